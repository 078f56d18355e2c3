"""Backpressure: self-play of a config slows down, and then pauses, where what follows it does not keep up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from ringrift.game_database import GamesDatabase
from ringrift.game_database.sources import unread_files
from ringrift.pipeline.allocation_settings import BackpressureSettings, Band
from ringrift.pipeline.readiness import Readiness
from ringrift.selfplay.files import DamagedFile, games_in_file

HOUR: Final = 3600.0


@dataclass(frozen=True)
class Backpressure:
    """The share of its games that a config is to play, with the reasons."""

    config: str
    share: float
    """The share of the games that it would play, from 0, a pause, to 1."""
    waiting: int
    """Games that have not been trained on, in the database or in files here."""
    reasons: tuple[str, ...]
    """The reasons that slow it down, in words; none where it plays all."""

    @property
    def paused(self) -> bool:
        """Whether nothing is to be played."""
        return self.share <= 0

    def __str__(self) -> str:
        if not self.reasons:
            return f"{self.waiting:,} games wait; nothing slows self-play down"
        return f"{'pauses' if self.paused else f'plays {self.share:.0%}'}: {', '.join(self.reasons)}"

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for machines."""
        return asdict(self) | {"paused": self.paused, "text": str(self)}

    def of(self, games: int) -> int:
        """Return how many of a number of games are played; one at least, unless it pauses."""
        return 0 if self.paused else max(1, round(games * self.share))


class _Lag(NamedTuple):
    """A measure of what waits, with its band."""

    band: Band
    measured: float
    words: str


def backpressure(
    database: GamesDatabase, there: Readiness, selfplay: Path, settings: BackpressureSettings
) -> Backpressure:
    """Return the backpressure on self-play of a config; the strongest reason decides.

    :param there: its games and its last training.
    :param selfplay: the folder of games of all configs.
    """
    unread = list(_unread(database, selfplay / there.config))
    waiting = there.new_games + sum(games for games, _ in unread)
    oldest = max((age for _, age in unread), default=0.0) / HOUR
    trained = (there.minutes or 0.0) / 60 if there.new_games >= there.games_needed else 0.0
    lags = (
        _Lag(settings.games, waiting, f"{waiting:,} games wait for training"),
        _Lag(settings.ingest_hours, oldest, f"games have waited {oldest:.1f} hours for ingest"),
        _Lag(settings.training_hours, trained, f"enough games wait, and the last training was {trained:.0f} hours ago"),
    )
    return Backpressure(
        there.config,
        min(share_of(lag.band, lag.measured) for lag in lags),
        waiting,
        tuple(
            f"{lag.words} (slow from {lag.band.slow:g} on, pause at {lag.band.pause:g})"
            for lag in lags
            if share_of(lag.band, lag.measured) < 1
        ),
    )


def share_of(band: Band, measured: float) -> float:
    """Return 1 up to where a band slows, 0 from where it pauses, and a straight line between."""
    return min(max((band.pause - measured) / (band.pause - band.slow), 0.0), 1.0)


def _unread(database: GamesDatabase, folder: Path) -> Iterator[tuple[int, float]]:
    """Yield the games and the age in seconds of every file of games that has not been read to its end."""
    for path in unread_files(database, folder):
        with suppress(DamagedFile, OSError):
            yield games_in_file(path), max(time.time() - path.stat().st_mtime, 0.0)
