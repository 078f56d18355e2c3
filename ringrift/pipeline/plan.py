"""The number of games that a config is to play now: its allocation, what is missing at first, and backpressure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ringrift.game_database import GamesDatabase
from ringrift.models import ModelStore
from ringrift.pipeline.allocation import Allocated, games_of_interval, newest_allocations
from ringrift.pipeline.allocation_settings import AllocationSettings
from ringrift.pipeline.backpressure import backpressure
from ringrift.pipeline.readiness import Readiness, readiness
from ringrift.pipeline.settings import LoopPreset


@dataclass(frozen=True)
class PlannedGames:
    """The games of a config and interval, and the reason for their number."""

    config: str
    games: int
    why: str

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for machines."""
        return asdict(self)


def planned_games(
    store: ModelStore,
    config: str,
    selfplay: Path,
    preset: LoopPreset,
    settings: AllocationSettings,
    *,
    target: int | None,
) -> PlannedGames:
    """Return the games to play.

    :param selfplay: the folder of games of all configs.
    :param target: the games that are wanted before the first training; None where that does not matter.
    """
    stage = preset.training
    there = readiness(store, config, games=stage.new_games, minutes=stage.minutes)
    allocated = newest_allocations(store.database).get(config)
    return planned_after(there, allocated, store.database, selfplay, preset, settings, target=target)


def planned_after(
    there: Readiness,
    allocated: Allocated | None,
    database: GamesDatabase,
    selfplay: Path,
    preset: LoopPreset,
    settings: AllocationSettings,
    *,
    target: int | None,
) -> PlannedGames:
    """Return the games to play, given the games of the config, its last training and its weight."""
    games, why = games_of_interval(there, allocated, preset, settings, target=target)
    pressure = backpressure(database, there, selfplay, settings.backpressure)
    if pressure.reasons:
        games, why = pressure.of(games), f"{why}; {pressure}"
    return PlannedGames(there.config, games, why)
