"""Runs of training, with those that go on: their curves, side by side."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import numpy as np
from fastapi import APIRouter
from pydantic import BaseModel

from ringrift.bounded import read_bounded
from ringrift.errors import RingRiftError
from ringrift.game import configs, parse_config
from ringrift.pipeline.training_runs import HISTORY, REPORT, RUNS
from ringrift.strict_json import BadJson, parse_json
from ringrift.training.history import Column, NoHistory, read_history, thinned
from ringrift.web.context import Context

LARGEST_REPORT: Final = 4_000_000
MOST: Final = 100
"""Runs of a list, the newest."""
POINTS: Final = 240
"""The points of a curve."""
_NAME: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]{0,63}")

router = APIRouter()


class UnknownRun(RingRiftError):
    """A run of training that is not there."""


class Run(BaseModel):
    """A run in a list."""

    config: str
    run: str
    changed: int
    """The last change of its history, in seconds since 1970."""
    ended: str | None
    """The reason of its end; None while it goes on, or after it was cut short."""
    network: str | None
    model: str | None
    """The id of the model that it made."""
    steps: int | None
    samples: int | None
    seconds: float | None
    ece: float | None
    """The calibration error of its values on games held out."""
    warnings: list[str]


class Runs(BaseModel):
    """The newest runs of all configs."""

    runs: list[Run]


class Curve(BaseModel):
    """A measure over the steps of a run; None where there is no number."""

    steps: list[float]
    training: list[float | None]
    holdout_steps: list[float]
    holdout: list[float | None]


class RunCurves(BaseModel):
    """The curves of a run, from its log."""

    config: str
    run: str
    steps: int
    curves: dict[str, Curve]
    """The curves by the name of the loss, and `accuracy`."""


@router.get("/runs")
def runs(context: Context, config: str | None = None) -> Runs:
    """Return the newest runs of training of a config, or of all, the latest first."""
    if config is not None:
        parse_config(config)
    folders: list[tuple[int, str, Path]] = []
    for name in [config] if config else [f"{board}_{players}p" for board, players in configs()]:
        for history in (context.home / RUNS / name).glob(f"*/{HISTORY}"):
            if _NAME.fullmatch(history.parent.name):
                folders.append((int(history.stat().st_mtime), name, history.parent))
    newest = sorted(folders, key=lambda entry: (entry[0], entry[2]), reverse=True)[:MOST]
    return Runs(runs=[_run(name, folder, changed) for changed, name, folder in newest])


@router.get("/runs/{config}/{run}")
def curves(context: Context, config: str, run: str) -> RunCurves:
    """Return the losses of a run over its steps, in few points."""
    parse_config(config)
    if not _NAME.fullmatch(run):
        raise UnknownRun(f"{run[:64]!r} is no name of a run")
    try:
        history = read_history(context.home / RUNS / config / run / HISTORY)
    except NoHistory:
        raise UnknownRun(f"there is no run {run} of {config}") from None
    names = {name: f"losses.{name}" for name in history.losses} | {"accuracy": "accuracy"}
    return RunCurves(
        config=config,
        run=run,
        steps=history.steps,
        curves={
            name: _curve(history.training, column, history.holdout, name)
            for name, column in names.items()
            if column in history.training
        },
    )


def _curve(training: dict[str, Column], column: str, holdout: dict[str, Column], name: str) -> Curve:
    logged = thinned(training["step"], training[column], POINTS)
    validations = holdout.get(name, np.full(len(holdout["step"]), np.nan))
    validated = thinned(holdout["step"], validations, POINTS)
    return Curve(
        steps=logged.steps.tolist(),
        training=_numbers(logged.mean),
        holdout_steps=validated.steps.tolist(),
        holdout=_numbers(validated.mean),
    )


def _numbers(values: Column) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]


def _run(config: str, folder: Path, changed: int) -> Run:
    report = _report(folder / REPORT)
    facts = report.get("facts") or {}
    calibration = report.get("calibration") or {}
    warnings = report.get("warnings") or []
    return Run(
        config=config,
        run=folder.name,
        changed=changed,
        ended=_of(str, facts.get("ended")),
        network=_of(str, facts.get("network")),
        model=_of(str, facts.get("model")),
        steps=_of(int, report.get("steps")),
        samples=_of(int, report.get("samples")),
        seconds=_of(float, report.get("seconds")),
        ece=_of(float, calibration.get("ece")),
        warnings=[str(warning) for warning in warnings],
    )


def _report(path: Path) -> dict[str, Any]:
    """Return the report of a run; empty while there is none, or it cannot be read."""
    try:
        report = parse_json(read_bounded(path, LARGEST_REPORT))
    except (OSError, BadJson):
        return {}
    return report if isinstance(report, dict) else {}


def _of(kind: type, value: Any) -> Any:
    """Return a value of a report if it is of its type; reports may be of an older version."""
    return value if type(value) is kind else None
