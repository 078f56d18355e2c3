"""Metrics of trainings: the last entries of the newest run of every config, from the end of its history."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from ringrift.monitoring.view import Samples, View, label
from ringrift.strict_json import BadJson, parse_json

RUNS: Final = Path("data") / "runs"
HISTORY: Final = "history.jsonl"
REPORT: Final = "report.json"
"""The file that a run leaves when it has ended."""
TAIL_BYTES: Final = 1 << 17
"""The bytes that are read of a history: hundreds of lines."""
MOST_LOSSES: Final = 20


@dataclass(frozen=True)
class Run:
    """A training run as its folder shows it."""

    folder: Path
    changed: float
    """The time of the last change in the folder."""

    @property
    def ended(self) -> bool:
        """Whether it has written its report."""
        return (self.folder / REPORT).exists()


def run_metrics(view: View) -> Samples:
    """Yield the metrics of the newest run of every config, from files alone."""
    for config in view.configs:
        run = newest_run(view.home / RUNS / config)
        if run is not None:
            yield from _metrics_of(view, config, run)


def newest_run(folder: Path) -> Run | None:
    """Return the run of a config in which anything was written last."""
    try:
        runs = [Run(path, max(_changed(path), _changed(path / HISTORY))) for path in folder.iterdir() if path.is_dir()]
    except OSError:
        return None
    return max(runs, key=lambda run: run.changed, default=None)


def last_lines(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the last lines of a history, the last first; lines that are no JSON are passed over."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL_BYTES))
            lines = file.read(TAIL_BYTES).splitlines()
    except OSError:
        return
    for line in reversed(lines):
        try:
            entry = parse_json(line)
        except BadJson:
            continue
        if isinstance(entry, dict):
            yield entry


def training_metrics(view: View) -> Samples:
    """Yield the number of trainings that have ended, by outcome."""
    known = {(config, status): 0 for config in view.configs for status in ("completed", "failed")}
    counted = view.counted("trainings")
    for (config, status), runs in (known | {key: counter.total for key, counter in counted.items()}).items():
        yield "ringrift_training_runs_total", (label(config), label(status)), runs
    for (config, status), counter in counted.items():
        if status == "completed" and (age := view.age(counter.last)) is not None:
            yield "ringrift_seconds_since_training", (label(config),), age


def _metrics_of(view: View, config: str, run: Run) -> Samples:
    age = max(0.0, view.now - run.changed)
    if not run.ended and age < view.settings.forget_hours * 3600:
        yield "ringrift_training_progress_age_seconds", (config,), age
    lines = list(islice(last_lines(run.folder / HISTORY), 1000))
    logged = next((line for line in lines if isinstance(line.get("losses"), dict)), None)
    validated = next((line["holdout"] for line in lines if isinstance(line.get("holdout"), dict)), None)
    if logged is not None:
        for name, value in islice(logged["losses"].items(), MOST_LOSSES):
            yield "ringrift_training_loss", (config, label(name)), _number(value)
        yield "ringrift_training_samples_per_second", (config,), _number(logged.get("samples_per_second"))
        yield "ringrift_training_passes", (config,), _number(logged.get("epoch"))
    if validated is not None:
        yield "ringrift_training_holdout_loss", (config,), _number(validated.get("total"))


def _number(value: object) -> float:
    """Return a value of a history as a number; NaN where it is none, as for the loss of a training that diverges."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
