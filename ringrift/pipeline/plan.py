"""How many games self-play of a config is to play now: its allocation, what is missing at first, and backpressure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ringrift.models import ModelStore
from ringrift.pipeline.allocation import games_of_interval
from ringrift.pipeline.allocation_settings import AllocationSettings
from ringrift.pipeline.backpressure import backpressure
from ringrift.pipeline.settings import LoopPreset


@dataclass(frozen=True)
class PlannedGames:
    """The games of a config and interval, and why they are so many."""

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
    games, why = games_of_interval(store, config, preset, settings, target=target)
    pressure = backpressure(store, config, selfplay, preset.training, settings.backpressure)
    if pressure.reasons:
        games, why = pressure.of(games), f"{why}; {pressure}"
    return PlannedGames(config, games, why)
