"""What the evaluation of a model has shown, in the plain numbers that the gate asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ringrift.games import GamesDatabase


@dataclass(frozen=True)
class Score:
    """Games of a model against one opponent."""

    games: int
    share: float
    """Of the games won."""
    low: float
    high: float
    """The 95 % interval of the share."""


@dataclass(frozen=True)
class Gain:
    """By how much a model is stronger than the champion."""

    elo: float
    low: float
    high: float
    """The 95 % interval."""


@dataclass(frozen=True)
class Results:
    """The gauntlet of a model. Empty for a model that has not been evaluated."""

    scores: Mapping[str, Score] = field(default_factory=dict)
    """Against `random`, `heuristic` and `champion`."""
    champion: str | None = None
    """The id of the model that was champion in the gauntlet."""
    gain: Gain | None = None
    """Over that champion."""


def stored_results(database: GamesDatabase, config: str, model: str) -> Results:
    """The newest gauntlet of a model; empty as long as no evaluations are kept."""
    return Results()


def stored_evaluations(database: GamesDatabase, config: str, model: str) -> list[dict[str, Any]]:
    """All evaluations of a model, the oldest first; none as long as no evaluations are kept."""
    return []
