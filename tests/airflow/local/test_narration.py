"""What `make loop` tells: a line when a stage begins, one when it ends, and one now and then while it lasts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ringrift_airflow.local.narration import Narration, StageTimes, duration, expected_seconds

BEGAN = 1_700_000_000.0


def task(state: str | None, start: str | None = None, end: str | None = None) -> dict[str, Any]:
    return {"state": state, "start_date": start, "end_date": end}


def at(second: int) -> str:
    return f"2026-01-01T00:00:{second:02}.000Z"


def test_what_runs_side_by_side_is_told_as_one_stage_with_its_time_by_the_clock() -> None:
    one = StageTimes.of("selfplay", [task("success", at(0), at(30)), task("success", at(10), at(40))])
    assert (one.state, one.over, one.seconds) == ("success", True, 40.0)
    two = StageTimes.of("selfplay", [task("success", at(0), at(30)), task("running", at(10))])
    assert (two.state, two.over, two.seconds) == ("running", False, None)
    assert StageTimes.of("selfplay", []).state == "waiting"


def test_a_stage_fails_with_any_of_its_tasks() -> None:
    assert StageTimes.of("selfplay", [task("success", at(0), at(1)), task("failed", at(0), at(2))]).state == "failed"


@pytest.fixture
def lines() -> list[str]:
    return []


def narration(lines: list[str], work: str = "", **expected: float) -> Narration:
    return Narration(lines.append, expected, lambda stage: f"what came of {stage}", lambda stage: work)


def stage(name: str, state: str, began: float | None = BEGAN, ended: float | None = None) -> StageTimes:
    return StageTimes(name, (state,), began, ended)


def test_every_stage_is_told_once_when_it_begins_and_once_when_it_ends(lines: list[str]) -> None:
    told = narration(lines, train=90.0)
    for state in ("queued", "running", "deferred", "running", "deferred"):
        told.look([stage("train", state)], BEGAN)
    told.look([stage("train", "success", ended=BEGAN + 75)], BEGAN + 75)
    told.look([stage("train", "success", ended=BEGAN + 75)], BEGAN + 76)
    assert lines == [
        "train       Train a network on them, from the newest model on, once there is one; about 1 min 30 s",
        "train       what came of train (1 min 15 s)",
    ]


def test_a_stage_that_takes_no_time_is_told_when_it_ends_alone(lines: list[str]) -> None:
    told = narration(lines, export=2.0)
    told.look([stage("export", "running")], BEGAN)
    told.look([stage("export", "success", ended=BEGAN + 2)], BEGAN + 2)
    assert lines == ["export      what came of export (2 s)"]


def test_a_skip_a_failure_and_another_try_say_so_and_what_is_not_reached_says_nothing(lines: list[str]) -> None:
    told = narration(lines)
    told.look([stage("train", "running")], BEGAN)
    told.look([stage("train", "up_for_retry")], BEGAN)
    told.look([stage("train", "running")], BEGAN)
    told.look([stage("train", "failed", ended=BEGAN + 3)], BEGAN)
    told.look([stage("gate", "skipped", ended=BEGAN), stage("promote", "upstream_failed", None)], BEGAN)
    assert lines == [
        "train       Train a network on them, from the newest model on, once there is one",
        "train       has failed and is tried again: what came of train",
        "train       failed: what came of train (3 s)",
        "gate        skipped: what came of gate",
    ]


def test_a_long_stage_is_told_now_and_then(lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringrift_airflow.local.narration.SILENCE", -1.0)
    told = narration(lines, train=90.0)
    told.look([stage("train", "deferred")], BEGAN + 40)
    told.look([stage("train", "deferred")], BEGAN + 100)
    assert lines[1:] == ["train: 40 s so far, about 50 s left", "train: 1 min 40 s so far"]


def test_a_long_stage_is_told_in_the_words_of_its_work_if_it_says_anything(
    lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringrift_airflow.local.narration.SILENCE", -1.0)
    told = narration(lines, work="train: 60 of 863, 2.1/s, about 6 min 22 s left", train=90.0)
    told.look([stage("train", "deferred")], BEGAN + 40)
    assert lines[1:] == ["train: 40 s so far; train: 60 of 863, 2.1/s, about 6 min 22 s left"]


def test_a_stage_is_expected_to_take_as_long_as_the_last_time(tmp_path: Path) -> None:
    def line(run: str, stage: str, seconds: float, state: str = "success") -> str:
        return json.dumps({"dag": "loop", "run": run, "task": stage, "state": state, "seconds": seconds})

    log = tmp_path / "stages.jsonl"
    assert expected_seconds(log, "loop", "no preset") == {}
    assert expected_seconds(log, "loop", "quick")["train"] > 0
    log.write_text(
        "\n".join(
            [
                line("a", "selfplay", 50.0),
                line("b", "selfplay", 20.0),
                line("b", "selfplay", 30.0),
                line("b", "selfplay", 25.0),
                line("b", "train", 9.0, "failed"),
                '{"dag": "loop"}',
                "no JSON",
                '{"dag": "loop", "run": "c", "task": "export", "state": "success", "seconds": "soon"}',
            ]
        )
    )
    assert expected_seconds(log, "loop", "no preset") == {"selfplay": 30.0}
    assert expected_seconds(log, "another loop", "no preset") == {}


def test_times_are_told_in_words() -> None:
    assert [duration(seconds) for seconds in (0.4, 59.6, 61, 3600)] == [
        "0 s",
        "1 min 00 s",
        "1 min 01 s",
        "60 min 00 s",
    ]
