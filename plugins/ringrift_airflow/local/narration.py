"""The lines that `make loop` prints while an iteration goes on: one when a stage begins, and one when it has ended."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from ringrift.pipeline.stages import STAGES

ENDED: Final = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
QUICK: Final = 8.0
"""Seconds; a stage that is expected to take less has no line when it begins."""
SILENCE: Final = 30.0
"""Seconds without a line after which one reports that a stage is still under way."""
WORDS: Final[Mapping[str, str]] = {stage.name: stage.summary for stage in STAGES} | {
    "approve": "Ask a person, in the web UI, who says yes or no"
}
FIRST_TIME: Final[Mapping[str, Mapping[str, float]]] = {
    "quick": {
        "selfplay": 90,
        "ingest": 10,
        "export": 10,
        "check": 10,
        "train": 90,
        "gauntlet": 30,
        "rate": 60,
        "gate": 30,
    }
}
"""Seconds by preset and stage where none has been measured here: on two quiet cores, compiling the rules included."""


@dataclass(frozen=True)
class StageTimes:
    """The state of a stage in a run: of one task, or of all tasks that a mapped one has become."""

    stage: str
    states: tuple[str | None, ...]
    began: float | None
    """Seconds since 1970; None before the first of its tasks has begun."""
    ended: float | None
    """None until all of its tasks have ended."""

    @classmethod
    def of(cls, stage: str, tasks: Sequence[Mapping[str, Any]]) -> StageTimes:
        """Put the tasks of a stage together, as Airflow's API reports them."""
        states = tuple(task["state"] for task in tasks)
        over = bool(states) and all(state in ENDED for state in states)
        ends = [_seconds(task["end_date"]) for task in tasks if task.get("end_date")]
        begins = [_seconds(task["start_date"]) for task in tasks if task.get("start_date")]
        return cls(stage, states, min(begins, default=None), max(ends, default=None) if over else None)

    @property
    def over(self) -> bool:
        """Whether all of its tasks have ended."""
        return bool(self.states) and all(state in ENDED for state in self.states)

    @property
    def state(self) -> str:
        """The state of all its tasks together: the one that matters most."""
        for state in ("failed", "upstream_failed", "up_for_retry", "running", "deferred", "skipped", "success"):
            if state in self.states:
                return state
        return "waiting"

    @property
    def phase(self) -> str:
        """The progress of the stage as it is reported: empty before its start, under way, failed once, or over."""
        if self.over:
            return "over"
        if self.began is None:
            return ""
        return "failed once" if self.state == "up_for_retry" else "under way"

    @property
    def seconds(self) -> float | None:
        """The seconds that it took by the clock, however many tasks ran side by side."""
        return None if self.began is None or self.ended is None else max(0.0, self.ended - self.began)


class Narration:
    """Report what changes from one look at a run to the next.

    `expected` is how many seconds a stage takes, by its name. `result` is called once for the outcome of a stage, and
    `progress` for what its work says of itself meanwhile, such as how many games are played.
    """

    def __init__(
        self,
        tell: Callable[[str], None],
        expected: Mapping[str, float],
        result: Callable[[str], str],
        progress: Callable[[str], str],
    ) -> None:
        self._tell = tell
        self._expected = expected
        self._result = result
        self._progress_of = progress
        self._reported: dict[str, str] = {}
        self._last_line = time.monotonic()

    def look(self, stages: Iterable[StageTimes], now: float) -> None:
        """Report what has changed; `now` is seconds since 1970, as the times of the stages."""
        under_way = []
        for stage in stages:
            reported, self._reported[stage.stage] = self._reported.get(stage.stage, ""), stage.phase
            if stage.phase == "under way":
                under_way.append(stage)
            if stage.phase == reported:
                continue
            if stage.phase == "over" and stage.state != "upstream_failed":
                self._end(stage)
            elif stage.phase == "failed once":
                self._say(f"{stage.stage:<11} has failed and is tried again: {self._result(stage.stage)}")
            elif stage.phase == "under way" and not reported:
                self._begin(stage)
        if under_way and time.monotonic() - self._last_line > SILENCE:
            self._say(", ".join(self._progress(stage, now) for stage in under_way))

    def _begin(self, stage: StageTimes) -> None:
        expected = self._expected.get(stage.stage)
        if expected is not None and expected < QUICK:
            return
        takes = f"; about {duration(expected)}" if expected else ""
        self._say(f"{stage.stage:<11} {WORDS.get(stage.stage, 'begins')}{takes}")

    def _end(self, stage: StageTimes) -> None:
        took = "" if stage.seconds is None or stage.state == "skipped" else f" ({duration(stage.seconds)})"
        result = self._result(stage.stage) or ("done" if stage.state == "success" else "")
        state = "" if stage.state == "success" else f"{stage.state.replace('_', ' ')}: "
        self._say(f"{stage.stage:<11} {state}{result}{took}")

    def _progress(self, stage: StageTimes, now: float) -> str:
        spent = max(0.0, now - (stage.began or now))
        if words := self._progress_of(stage.stage):
            return f"{stage.stage}: {duration(spent)} so far; {words}"
        left = self._expected.get(stage.stage, 0.0) - spent
        more = f", about {duration(left)} left" if left > 0 else ""
        return f"{stage.stage}: {duration(spent)} so far{more}"

    def _say(self, line: str) -> None:
        self._last_line = time.monotonic()
        self._tell(line)


def expected_seconds(log: Path, dag: str, preset: str) -> dict[str, float]:
    """Estimate how long each stage takes: as when it last succeeded, by `stages.jsonl`, else as `FIRST_TIME` says."""
    expected = dict(FIRST_TIME.get(preset, {}))
    runs: dict[str, str] = {}
    for line in _lines(log):
        try:
            if line["dag"] == dag and line["state"] == "success" and line["seconds"] is not None:
                stage, run, seconds = str(line["task"]), str(line["run"]), float(line["seconds"])
                # Tasks of one stage and one run are side by side.
                expected[stage] = max(seconds, expected[stage]) if runs.get(stage) == run else seconds
                runs[stage] = run
        except (KeyError, TypeError, ValueError):
            continue
    return expected


def duration(seconds: float) -> str:
    """Write a time in words, such as `1 min 5 s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _lines(log: Path) -> Iterable[dict[str, Any]]:
    try:
        with log.open("rb") as file:
            for line in file:
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue
                if isinstance(entry, dict):
                    yield entry
    except FileNotFoundError:
        return


def _seconds(text: str) -> float:
    """Return the seconds since 1970 of a time as Airflow's API writes it."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
