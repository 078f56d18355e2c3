"""The folders of training runs, read without the libraries that train: the newest run, and how far it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ringrift.bounded import read_end
from ringrift.clock import seconds_since
from ringrift.strict_json import BadJson, parse_json

RUNS: Final = Path("data") / "runs"
HISTORY: Final = "history.jsonl"
REPORT: Final = "report.json"
"""The file that a run leaves when it has ended."""
STILL_SECONDS: Final = 600.0
"""The time without a line of its history after which a run has stopped, well above that between two lines."""
TAIL_BYTES: Final = 1 << 17
"""The bytes that are read of a history: hundreds of lines."""


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


def newest_run(folder: Path) -> Run | None:
    """Return the run of a config in which anything was written last."""
    try:
        runs = [Run(path, max(_changed(path), _changed(path / HISTORY))) for path in folder.iterdir() if path.is_dir()]
    except OSError:
        return None
    return max(runs, key=lambda run: run.changed, default=None)


def training_in_words(folder: Path) -> str | None:
    """Return the training of a config that goes on, in a line; None if its newest run has ended, or stands still."""
    run = newest_run(folder)
    age = None if run is None else seconds_since(run.changed, "a run")
    if run is None or run.ended or age is None or age > STILL_SECONDS:
        return None
    logged = next((line for line in last_lines(run.folder / HISTORY) if isinstance(line.get("epoch"), float)), None)
    if logged is None:
        return f"run {run.folder.name}, before its first step"
    return f"run {run.folder.name}, step {logged['step']:,}, {logged['epoch']:.1f} passes over the samples"


def last_lines(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the last lines of a history, the last first; lines that are no JSON are passed over."""
    try:
        lines = read_end(path, TAIL_BYTES).splitlines()
    except OSError:
        return
    for line in reversed(lines):
        try:
            entry = parse_json(line)
        except BadJson:
            continue
        if isinstance(entry, dict):
            yield entry


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
