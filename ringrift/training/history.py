"""The history of a training run, read from its `history.jsonl`, a line for every logged step and every validation.

A logged step is `{"step", "samples", "epoch", "lr", "losses": {"total", …}, "accuracy", "gradient_norm",
"samples_per_second", "seconds"}`, where `losses` are means of the step and `seconds` count from the first step on, over
all resumes. A validation is `{"step", "holdout": {"total", …, "accuracy"}, "seen": {…}}`, where `seen` is the same as
`holdout`, measured in the same way on samples of training; it may be missing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ringrift.errors import RingRiftError
from ringrift.training.old_names import LOSSES, renamed

Column = npt.NDArray[np.float64]


class NoHistory(RingRiftError):
    """The error that a history is missing or cannot be read."""


class ThinnedCurve(NamedTuple):
    """A series of any length as few points, `[points]` each; NaN where there is no number."""

    steps: Column
    mean: Column
    low: Column
    high: Column


@dataclass(frozen=True)
class History:
    """The history of a run as columns; the steps of both parts rise."""

    training: dict[str, Column]
    """The columns `step`, `lr`, `losses.total` …, each `[lines]`, with NaN where a line has none."""
    holdout: dict[str, Column]
    """The columns `step`, `total`, `accuracy` …, each `[validations]`."""
    seen: dict[str, Column]
    """The same columns for samples of training."""
    unread: int
    """The number of lines that are no JSON, such as the last line of a run that was killed while it wrote."""

    @property
    def steps(self) -> int:
        """The last step that was logged; 0 for a run that has logged none."""
        return int(max((part["step"][-1] for part in (self.training, self.holdout) if len(part["step"])), default=0))

    @property
    def losses(self) -> list[str]:
        """The names of the losses of training, as they were logged."""
        return [name.removeprefix("losses.") for name in self.training if name.startswith("losses.")]


def read_history(path: Path) -> History:
    """Read a history; `NoHistory` if the file cannot be read.

    A line that goes back to an earlier step comes from a run that was killed and resumed from a checkpoint: it ends
    what the one before had logged from that step on.
    """
    training: list[dict[str, Any]] = []
    holdout: list[dict[str, Any]] = []
    unread = 0
    try:
        with path.open("rb") as file:
            for line in file:
                entry = _entry(line)
                if entry is None:
                    unread += 1
                    continue
                own, other = (holdout, training) if "holdout" in entry else (training, holdout)
                _cut(own, entry["step"])
                _cut(other, entry["step"] + 1)
                own.append(entry)
    except OSError as error:
        raise NoHistory(f"{path}: cannot be read ({error.strerror or error})") from None
    unseen, seen = (
        _columns([{"step": row["step"], **(row.get(part) or {})} for row in holdout]) for part in ("holdout", "seen")
    )
    return History(_columns(training), unseen, seen, unread)


def end_torn_line(path: Path) -> None:
    """End the line that a killed process has left without an end, so that the next one stands by itself."""
    with path.open("a+b") as file:
        length = file.seek(0, os.SEEK_END)
        file.seek(max(length - 1, 0))
        if file.read(1) not in (b"", b"\n"):
            file.write(b"\n")


def thinned(steps: Column, values: Column, points: int) -> ThinnedCurve:
    """A series `[N]` as at most so many points: mean, least and largest of N / points neighbours each."""
    if len(values) <= points:
        return ThinnedCurve(steps, values, values, values)
    first = np.linspace(0, len(values), points, endpoint=False).astype(np.intp)
    known = np.isfinite(values)
    counts = np.add.reduceat(known.astype(np.float64), first)
    sums = np.add.reduceat(np.where(known, values, 0.0), first)
    mean = np.divide(sums, counts, out=np.full(points, np.nan), where=counts > 0)
    lengths = np.diff([*first, len(values)])
    middle = np.add.reduceat(steps, first) / lengths
    finite = np.where(known, values, np.nan)
    return ThinnedCurve(middle, mean, np.fmin.reduceat(finite, first), np.fmax.reduceat(finite, first))


def _entry(line: bytes) -> dict[str, Any] | None:
    """Parse a line as it was logged; return None for what is none."""
    try:
        entry = json.loads(line)  # which knows NaN, the loss of a run that has diverged
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict) or type(entry.get("step")) is not int or not 0 <= entry["step"] < 2**53:
        return None
    if not isinstance(entry.get("holdout", entry.get("losses")), dict):
        return None
    return {name: renamed(part, LOSSES) if isinstance(part, dict) else part for name, part in entry.items()}


def _cut(rows: list[dict[str, Any]], step: int) -> None:
    """Take away what was logged of this step or of later ones."""
    while rows and rows[-1]["step"] >= step:
        rows.pop()


def _columns(rows: Sequence[dict[str, Any]]) -> dict[str, Column]:
    """Turn rows into columns; what stands in a group is named `group.name`."""
    columns: dict[str, Column] = {"step": np.empty(len(rows))}
    for place, row in enumerate(rows):
        for name, value in _flat(row):
            if name not in columns:
                columns[name] = np.full(len(rows), np.nan)
            columns[name][place] = value
    return columns


def _flat(row: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield names and numbers; null, which JSON writers that know no NaN put in its place, is left out."""
    for name, value in row.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{inner}", number) for inner, number in _flat(value))
        elif isinstance(value, float) or (isinstance(value, int) and abs(value) < 2**53):
            yield name, float(value)
