"""Signs of life of the loop: its process leaves them again and again, and they show since when it runs.

Each writer (`airflow`, or `loop` for `ringrift loop`) has a small file of its own among the data, with the promise when
the next sign comes at the latest. One that is overdue by as much again means that the loop does not run any more.

This is the dead man's switch of Airflow: its tasks leave the signs, for which scheduler, executor and worker must live.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field, ValidationError

from ringrift.bounded import read_bounded
from ringrift.errors import RingRiftError
from ringrift.files import new_file
from ringrift.moments import FIRST_IMPOSSIBLE
from ringrift.run_context import Progress
from ringrift.settings import Settings, home_folder

if TYPE_CHECKING:
    from ringrift.game_database import GamesDatabase

FOLDER: Final = Path("data") / "loop" / "signs"
LARGEST: Final = 10_000
"""Bytes of a file."""
LOOP_SECONDS: Final = 60.0
"""The promise of `ringrift loop`."""
LEAST_SECONDS: Final = 30.0
"""The least seconds that a promise is taken for."""

LOG: Final = logging.getLogger(__name__)

Writer = Literal["airflow", "loop"]
Moment = Annotated[float, Field(ge=0, lt=FIRST_IMPOSSIBLE)]


class SignOfLife(Settings):
    """The last sign of a writer."""

    since: Moment
    """The time of the first sign after which none was missing, in seconds since 1970."""
    last: Moment
    every: Annotated[float, Field(gt=0, le=7 * 86_400)]
    """Seconds until the next sign at the latest, as the writer has promised."""

    def alive(self, now: float) -> bool:
        """Return whether the next sign is not overdue by as much again."""
        return now - self.last < 2 * max(self.every, LEAST_SECONDS)


def leave_sign(writer: Writer, every: float, home: Path | None = None) -> None:
    """Leave a sign of life; a full disk does not end the process, and is reported in the log."""
    now = time.time()
    before = read_sign(writer, home)
    since = before.since if before is not None and before.alive(now) and before.since <= now else now
    try:
        with new_file(_path(writer, home)) as file:
            file.write(SignOfLife(since=since, last=now, every=every).model_dump_json().encode() + b"\n")
    except RingRiftError as error:
        LOG.warning("%s", error)


def read_sign(writer: Writer, home: Path | None = None) -> SignOfLife | None:
    """Return the last sign of a writer; None if there is none, or it cannot be read."""
    try:
        return SignOfLife.model_validate_json(read_bounded(_path(writer, home), LARGEST))
    except (OSError, ValidationError, ValueError):
        return None


def with_signs(progress: Progress, leave: Callable[[], None] | None = None) -> Progress:
    """Return a progress that also leaves signs of `ringrift loop`, now and then."""
    leave = leave or (lambda: leave_sign("loop", LOOP_SECONDS))
    last = float("-inf")

    def progress_with_signs(work: str, done: float, total: float | None, detail: str = "") -> None:
        nonlocal last
        if time.monotonic() - last >= LOOP_SECONDS / 2:
            last = time.monotonic()
            leave()
        progress(work, done, total, detail)

    return progress_with_signs


def count_stage(database: GamesDatabase, config: str, stage: str, outcome: str) -> None:
    """Count a stage that has ended, and a training that has failed; a database in trouble is reported in the log."""
    from ringrift.game_database.counters import count  # late: slow to import, and Airflow imports this module often

    try:
        with database.writing() as connection:
            count(connection, "stages", config, f"{stage} {outcome}")
            if (stage, outcome) == ("train", "failed"):
                count(connection, "trainings", config, "failed")
    except RingRiftError as error:
        LOG.warning("%s", error)


def _path(writer: Writer, home: Path | None) -> Path:
    return (home_folder() if home is None else home) / FOLDER / f"{writer}.json"
