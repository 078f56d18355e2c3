"""Metrics of trainings: the last entries of the newest run of every config, from the end of its history."""

from __future__ import annotations

import math
from itertools import islice
from typing import Final

from ringrift.monitoring.view import Samples, View, label
from ringrift.pipeline.training_runs import HISTORY, RUNS, Run, last_lines, newest_run

MOST_LOSSES: Final = 20


def run_metrics(view: View) -> Samples:
    """Yield the metrics of the newest run of every config, from files alone."""
    for config in view.configs:
        run = newest_run(view.home / RUNS / config)
        if run is not None:
            yield from _metrics_of(view, config, run)


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
