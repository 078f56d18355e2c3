"""The games that a worker is playing right now: a small file beside its games, replaced every few seconds.

Pages show what it says and nothing depends on it, so it is not synced to the disk, and a disk that is full or read-only
stops no game. Its name is hidden: whoever collects games passes over it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Annotated, Final, Self

from pydantic import BaseModel, Field, ValidationError

from ringrift.bounded import read_bounded

NAME: Final = ".live.json"
SECONDS: Final = 2.0
"""The time between two versions of the file."""
FRESH_SECONDS: Final = 60.0
"""A worker whose file is older has ended without a word; a step of a large board on a slow host takes a third of it."""
SHOWN: Final = 4
"""The games that a worker shows, of those that it plays side by side."""
LARGEST: Final = 4_000_000
"""Bytes of a file that is worth reading: four of the longest games take a twentieth."""

Text = Annotated[str, Field(max_length=1000)]
Count = Annotated[int, Field(ge=0)]


class RunningGame(BaseModel):
    """A game that goes on."""

    game: Count
    """Its number in the run."""
    engines: list[Text]
    """The specs by seat."""
    actions: list[Count]
    """All actions from the empty board on."""


class LiveWorker(BaseModel):
    """A worker and what it plays."""

    config: Text
    run: Text
    host: Text
    worker: Text
    written: float
    """When, in seconds since 1970."""
    max_moves: Annotated[int, Field(ge=1)]
    side_by_side: Count
    games: Count
    """The games that have ended since it began."""
    games_per_second: float
    moves_per_second: float
    running: list[RunningGame]
    """Some of its games."""


class LiveFile:
    """The file of one worker, which is there while it plays; a context manager."""

    def __init__(self, folder: Path) -> None:
        """Show what is played in the folder of a worker."""
        self._path = folder / NAME
        self._next = 0.0

    def show(self, worker: Callable[[], LiveWorker]) -> None:
        """Replace the file by what `worker` says now, unless that was done a moment ago."""
        if time.monotonic() < self._next:
            return
        with suppress(OSError):
            new = self._path.with_suffix(".new")
            new.write_text(worker().model_dump_json())
            new.replace(self._path)
        self._next = time.monotonic() + SECONDS

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Remove the file."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


def live_workers(root: Path) -> Iterator[LiveWorker]:
    """Yield the workers that play now below a folder of games; files that say nothing sound are passed over."""
    for path in sorted(root.glob(f"*/*/*/{NAME}")):
        with suppress(OSError, ValidationError):
            if time.time() - path.stat().st_mtime <= FRESH_SECONDS:
                yield LiveWorker.model_validate_json(read_bounded(path, LARGEST))
