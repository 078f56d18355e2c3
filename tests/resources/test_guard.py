"""The guard: what is full stops work, for what may become free it waits, and a busy machine loses nothing but time."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from ringrift.resources import Guard, NoRoom, guard_settings
from ringrift.resources.settings import GuardSettings
from ringrift.resources.usage import GIGABYTE, Kind, Usage
from ringrift.settings import BadSettings, check_settings

WORK = "self-play"


def usage(kind: Kind, share: float, free: float = 0.1) -> Usage:
    return Usage(kind, {"disk": "the disk of data"}.get(kind, kind), share, free * GIGABYTE)


def settings(**changes: Any) -> GuardSettings:
    """Those of the file, by which nothing waits."""
    return guard_settings().model_copy(
        update={"memory_wait_seconds": 0, "busy_seconds": 0, "look_seconds": 0.01, **changes}
    )


def guard(*looks: Sequence[Usage], processor: Sequence[Usage] = (), **changes: Any) -> Guard:
    """A guard that finds at its first look the first usages, and so on; the last ones stay."""
    found: Iterator[Sequence[Usage]] = iter(looks)
    last: list[Sequence[Usage]] = [()]

    def room(folders: Sequence[Path], *, gpu: bool) -> list[Usage]:
        last[0] = next(found, last[0])
        return list(last[0])

    return Guard(settings(**changes), [Path("data")], room=room, processor=lambda: list(processor))


def begin(one: Guard) -> None:
    one.wait_for_room(WORK, Event())


def test_work_begins_where_there_is_room(caplog: pytest.LogCaptureFixture) -> None:
    begin(guard([usage("disk", 0.5), usage("memory", 0.5)], processor=[usage("cpu", 0.1), usage("load", 0.1)]))
    assert not caplog.messages


@pytest.mark.parametrize("kind", ["disk", "memory", "gpu_memory"])
def test_what_is_full_stops_work_before_it_begins(kind: Kind) -> None:
    begin(guard([usage(kind, 0.69)]))
    with pytest.raises(NoRoom, match=rf"self-play does not begin: .* is 81% full, 0.1 GB .*\(resources.yaml: {kind}\)"):
        begin(guard([usage(kind, 0.81)]))


def test_a_share_stops_nothing_where_enough_is_free(caplog: pytest.LogCaptureFixture) -> None:
    begin(guard([usage("disk", 0.9, free=600)]))
    assert not caplog.messages
    strict = guard_settings().disk.model_copy(update={"enough_gb": 0})
    with pytest.raises(NoRoom, match=r"90% full, 600\.0 GB are free, the limit is 70%"):
        begin(guard([usage("disk", 0.9, free=600)], disk=strict))


def test_what_is_nearly_full_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    one = guard([usage("memory", 0.75)])
    begin(one)
    begin(one)
    assert caplog.messages == ["memory is 75% full, 0.1 GB are free; at 80% work stops (resources.yaml: memory)"]


def test_memory_is_waited_for(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringrift.resources.guard.LONGEST_LOOK", 0.01)
    begin(guard([usage("memory", 0.9)], [usage("memory", 0.85)], [usage("memory", 0.5)], memory_wait_seconds=3600))
    (line,) = caplog.messages
    assert line.startswith("self-play waits at most 3600 s: memory is 90% full")


def test_a_disk_is_not_waited_for() -> None:
    with pytest.raises(NoRoom, match="`ringrift clean` frees disks"):
        begin(guard([usage("disk", 0.9)], [usage("disk", 0.1)], memory_wait_seconds=3600))


@pytest.mark.parametrize("busy", [usage("cpu", 0.95), usage("load", 4.0)])
def test_a_busy_machine_delays_work_and_stops_none(busy: Usage, caplog: pytest.LogCaptureFixture) -> None:
    begin(guard(processor=[busy], busy_seconds=0.05))
    waits, begins = caplog.messages
    assert waits.startswith("self-play waits at most 0.05 s: ")
    assert begins.startswith("self-play begins on a busy machine after 0 s: ")
    caplog.clear()
    begin(guard(processor=[busy], busy_seconds=0))
    assert not caplog.messages, "who does not wait has nothing to say"


def test_whoever_waits_can_be_cancelled() -> None:
    cancelled = Event()
    cancelled.set()
    one = guard([usage("memory", 0.9)], processor=[usage("cpu", 1.0)], memory_wait_seconds=3600, busy_seconds=3600)
    one.wait_for_room(WORK, cancelled)


def test_what_becomes_full_stops_running_work() -> None:
    stopped, why = Event(), []

    def stop(line: str) -> None:
        why.append(line)
        stopped.set()

    with guard([usage("disk", 0.1)], [usage("disk", 0.71)]).watching(WORK, stop):
        assert stopped.wait(60)
    assert why == [
        "self-play stops: the disk of data is 71% full, 0.1 GB are free, the limit is 70% (resources.yaml: disk); "
        "`ringrift clean` frees disks"
    ]


def test_a_busy_processor_stops_no_running_work(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    looked = Event()
    looks = 0

    def room(folders: Sequence[Path], *, gpu: bool) -> list[Usage]:
        nonlocal looks
        looks += 1
        if looks > 2:
            looked.set()
        assert not gpu, "the work itself fills its GPU"
        return []

    one = Guard(settings(), [], gpu=True, room=room, processor=lambda: [usage("cpu", 1.0)])
    with one.watching(WORK, pytest.fail):
        assert looked.wait(60)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"disk": {"warn": 0.9, "stop": 0.7, "enough_gb": 0}}, "warn, 0.9, is to be no more than stop, 0.7"),
        ({"cpu": {"warn": 0.9, "wait": 0.7}}, "warn, 0.9, is to be no more than wait, 0.7"),
        (
            {"memory": {"warn": 0.7, "stop": 1.2, "enough_gb": 0}},
            "memory.stop: input should be less than or equal to 1",
        ),
        ({"load": 0}, "load"),
    ],
)
def test_limits_that_contradict_each_other_are_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadSettings, match=said):
        check_settings(guard_settings().model_dump() | change, GuardSettings, "resources.yaml")


def test_the_environment_says_how_long_a_busy_machine_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGRIFT_BUSY_SECONDS", "7")
    assert guard_settings().busy_seconds == 7
    monkeypatch.delenv("RINGRIFT_BUSY_SECONDS")
    assert guard_settings().busy_seconds == 20
    monkeypatch.setenv("RINGRIFT_BUSY_SECONDS", "soon")
    with pytest.raises(BadSettings, match="RINGRIFT_BUSY_SECONDS: should be a whole number of seconds, not 'soon'"):
        guard_settings()
