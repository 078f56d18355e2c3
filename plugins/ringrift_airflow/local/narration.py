"""What `make loop` tells while an iteration goes on: a line when a stage begins, and one when it has ended."""

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
"""Seconds without a line after which one tells that a stage is still under way."""
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
        """Put the tasks of a stage together, as Airflow's API tells them."""
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
        """The state of all its tasks together: the one that matters most to whoever waits."""
        for state in ("failed", "upstream_failed", "up_for_retry", "running", "deferred", "skipped", "success"):
            if state in self.states:
                return state
        return "waiting"

    @property
    def phase(self) -> str:
        """Return how far it is, as far as people care: nothing yet, under way, failed once, or over."""
        if self.over:
            return "over"
        if self.began is None:
            return ""
        return "failed once" if self.state == "up_for_retry" else "under way"

    @property
    def seconds(self) -> float | None:
        """How long it took by the clock, whatever ran side by side."""
        return None if self.began is None or self.ended is None else max(0.0, self.ended - self.began)


class Narration:
    """Tells what changes from one look at a run to the next.

    `expected` is how many seconds a stage takes, by its name. `result` is asked once for what has come of a stage.
    """

    def __init__(
        self, tell: Callable[[str], None], expected: Mapping[str, float], result: Callable[[str], str]
    ) -> None:
        self._tell = tell
        self._expected = expected
        self._result = result
        self._told: dict[str, str] = {}
        self._last_line = time.monotonic()

    def look(self, stages: Iterable[StageTimes], now: float) -> None:
        """Tell what has changed; `now` is seconds since 1970, as the times of the stages."""
        under_way = []
        for one in stages:
            told, self._told[one.stage] = self._told.get(one.stage, ""), one.phase
            if one.phase == "under way":
                under_way.append(one)
            if one.phase == told:
                continue
            if one.phase == "over" and one.state != "upstream_failed":
                self._end(one)
            elif one.phase == "failed once":
                self._say(f"{one.stage:<11} has failed and is tried again: {self._result(one.stage)}")
            elif one.phase == "under way" and not told:
                self._begin(one)
        if under_way and time.monotonic() - self._last_line > SILENCE:
            self._say(", ".join(self._progress(one, now) for one in under_way))

    def _begin(self, one: StageTimes) -> None:
        expected = self._expected.get(one.stage)
        if expected is not None and expected < QUICK:
            return
        takes = f"; about {duration(expected)}" if expected else ""
        self._say(f"{one.stage:<11} {WORDS.get(one.stage, 'begins')}{takes}")

    def _end(self, one: StageTimes) -> None:
        took = "" if one.seconds is None or one.state == "skipped" else f" ({duration(one.seconds)})"
        result = self._result(one.stage) or ("done" if one.state == "success" else "")
        state = "" if one.state == "success" else f"{one.state.replace('_', ' ')}: "
        self._say(f"{one.stage:<11} {state}{result}{took}")

    def _progress(self, one: StageTimes, now: float) -> str:
        spent = max(0.0, now - (one.began or now))
        left = self._expected.get(one.stage, 0.0) - spent
        more = f", about {duration(left)} left" if left > 0 else ""
        return f"{one.stage}: {duration(spent)} so far{more}"

    def _say(self, line: str) -> None:
        self._last_line = time.monotonic()
        self._tell(line)


def expected_seconds(log: Path, dag: str, preset: str) -> dict[str, float]:
    """Estimate how long each stage takes: as when it last succeeded, by `stages.jsonl`, else as `FIRST_TIME` says."""
    found = dict(FIRST_TIME.get(preset, {}))
    runs: dict[str, str] = {}
    for line in _lines(log):
        try:
            if line["dag"] == dag and line["state"] == "success" and line["seconds"] is not None:
                stage, run, seconds = str(line["task"]), str(line["run"]), float(line["seconds"])
                # Tasks of one stage and one run are side by side.
                found[stage] = max(seconds, found[stage]) if runs.get(stage) == run else seconds
                runs[stage] = run
        except (KeyError, TypeError, ValueError):
            continue
    return found


def duration(seconds: float) -> str:
    """Write a time in words, such as `1 min 5 s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _lines(log: Path) -> Iterable[dict[str, Any]]:
    try:
        with log.open("rb") as file:
            for line in file:
                try:
                    found = json.loads(line)
                except ValueError:
                    continue
                if isinstance(found, dict):
                    yield found
    except FileNotFoundError:
        return


def _seconds(text: str) -> float:
    """Seconds since 1970 of a time as Airflow's API writes it."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
