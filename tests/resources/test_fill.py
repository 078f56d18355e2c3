"""Self-play that fills a host: services agree on the processes, follow the plan, and leave none behind."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ringrift.errors import RingRiftError
from ringrift.kernels.threads import default_threads
from ringrift.resources.control import Load
from ringrift.resources.control_settings import control_settings
from ringrift.resources.fill import HostControl, WorkerFailed, Workers, fill
from ringrift.resources.negotiation import Negotiation
from ringrift.resources.pace import LONGEST_REST, PLAN, Pace, Plan, read_plan, rest_seconds
from ringrift.run_context import RunContext
from tests.processes import wait_for

IDLE = (sys.executable, "-c", "import time; time.sleep(600)")


class Started:
    """The processes that a service has started."""

    def __init__(self, command: tuple[str, ...] = IDLE) -> None:
        self.command = command
        self.processes: list[subprocess.Popen[bytes]] = []
        self.batches: list[float] = []
        self.places: list[int] = []

    def __call__(self, number: int, batch: float, place: int) -> subprocess.Popen[bytes]:
        self.processes.append(subprocess.Popen(self.command))
        self.batches.append(batch)
        self.places.append(place)
        return self.processes[-1]

    @property
    def alive(self) -> int:
        return sum(process.poll() is None for process in self.processes)


@contextmanager
def service(home: Path, config: str, started: Started, look: Callable[[], Load]) -> Iterator[None]:
    settings = control_settings().model_copy(update={"look_seconds": 0.02})
    context = RunContext(settings)
    thread = threading.Thread(target=lambda: fill(config, 1.0, started, context, home=home, look=look))
    thread.start()
    try:
        yield
    finally:
        context.cancellation.set()
        thread.join(60)


def simulated_look(home: Path, others: float = 0.0) -> Callable[[], Load]:
    """Return a look at a machine that is as busy as the plan lets self-play be, and by `others`."""
    cores = default_threads()

    def look() -> Load:
        decided = read_plan(home / PLAN)
        own = 0.0 if decided is None else sum(decided.processes.values()) * decided.working / cores
        return Load(min(1.0, own + others))

    return look


def plan(**changes: object) -> Plan:
    fields: dict[str, object] = {
        "decided": 0.0,
        "cpu": 0.5,
        "gpu": None,
        "gpu_memory": None,
        "ahead": None,
        "confidence": None,
    }
    fields |= {"intensity": 0.5, "working": 0.5, "batch": 1.0, "processes": {}, "why": ""}
    return Plan.model_validate(fields | changes)


def test_two_services_share_the_host_and_one_takes_over_from_the_other(tmp_path: Path) -> None:
    first, second = Started(), Started()
    with service(tmp_path, "hex8_2p", second, lambda: Load(0.0)):
        wait_for(lambda: second.alive)
        with service(tmp_path, "square8_2p", first, lambda: Load(0.0)):
            found = wait_for(lambda: (one := read_plan(tmp_path / PLAN)) and len(one.processes) == 2 and one)
            assert sum(found.processes.values()) >= 1
        assert first.alive == 0, "a service ends what it has started"
        wait_for(lambda: (one := read_plan(tmp_path / PLAN)) and list(one.processes) == ["hex8_2p"])
    assert second.alive == 0


def test_decisions_are_logged_in_words_and_figures_alone_are_no_decision(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "ringrift.resources.fill")
    with service(tmp_path, "hex8_2p", Started(), simulated_look(tmp_path)):
        wait_for(lambda: "within the band" in caplog.text)
        found = wait_for(lambda: (one := read_plan(tmp_path / PLAN)) and 0.65 < one.cpu < 0.75 and one)
        assert 0.6 <= found.cpu <= 0.8
    assert "below the band: processes hex8_2p" in caplog.messages[0]
    assert "of the time" in caplog.messages[0]
    assert "above the band" not in caplog.text
    assert len(caplog.messages) < 20


def test_workers_follow_the_plan() -> None:
    started = Started()
    workers = Workers("hex8_2p", started)
    workers.adjust(3, 1.0)
    assert started.alive == 3
    workers.adjust(1, 1.0)
    assert started.alive == 1
    workers.adjust(1, 0.3)
    assert (started.alive, started.batches[-1]) == (1, 0.3)
    started.processes[-1].kill()
    started.processes[-1].wait()
    workers.adjust(1, 0.3)
    assert started.alive == 1, "who dies is started anew"
    workers.end()
    assert started.alive == 0


def test_workers_know_their_place_among_those_of_all_configs() -> None:
    started = Started()
    workers = Workers("hex8_2p", started)
    workers.adjust(2, 1.0, first=3)
    workers.end()
    assert started.places == [3, 4], "so that no GPU is given to two while another has none"


def test_self_play_that_cannot_begin_is_not_tried_again() -> None:
    started = Started((sys.executable, "-c", "import sys; sys.exit(2)"))
    workers = Workers("hex8_2p", started)
    workers.adjust(1, 1.0)
    started.processes[0].wait()
    with pytest.raises(WorkerFailed, match="hex8_2p: its self-play cannot begin"):
        workers.adjust(1, 1.0)
    assert issubclass(WorkerFailed, RingRiftError)


def test_configs_get_their_share_by_weight_and_nobody_starves() -> None:
    shares = Negotiation()
    assert shares.share(8, {"a": 1.0, "b": 3.0}) == {"a": 2, "b": 6}
    turns = Negotiation()
    played = [turns.share(1, {"a": 1.0, "b": 1.0, "c": 2.0}) for _ in range(8)]
    assert {config: sum(one[config] for one in played) for config in "abc"} == {"a": 2, "b": 2, "c": 4}
    assert turns.share(2, {"c": 1.0})["c"] == 2, "who has left gets nothing"


def test_configs_take_turns_only_after_a_while() -> None:
    control = HostControl(control_settings(), cores=1, memory_gb=8)
    weights = {"a": 1.0, "b": 1.0}
    given = [control.plan(Load(0.9), weights, now=1000.0 + second).processes for second in (0, 5, 599, 601, 605)]
    assert given[0] == given[1] == given[2] != given[3] == given[4]


def test_a_process_rests_by_the_plan(tmp_path: Path) -> None:
    assert rest_seconds(2.0, 0.5) == 2.0
    assert rest_seconds(3.0, 0.75) == pytest.approx(1.0)
    assert rest_seconds(1.0, 1.0) == 0.0
    assert rest_seconds(60.0, 0.02) == LONGEST_REST
    stopped = threading.Event()
    stopped.set()
    Pace(tmp_path / "absent.json", stopped).rest()


def test_a_plan_is_what_it_was_and_nonsense_is_none(tmp_path: Path) -> None:
    file = tmp_path / "control" / "plan.json"
    plan(processes={"hex8_2p": 3}, ahead=0.8, confidence=0.9).write(file)
    found = read_plan(file)
    assert found is not None
    assert (found.processes, found.ahead) == ({"hex8_2p": 3}, 0.8)
    for nonsense in ("", "{}", "[1]", '{"working": 0}'):
        file.write_text(nonsense)
        assert read_plan(file) is None
