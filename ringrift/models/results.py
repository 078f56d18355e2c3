"""The results of the evaluation of a model, in the plain numbers that the gate asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import log10
from typing import Any

from ringrift.agents import Spec
from ringrift.evaluation.gauntlet import GAUNTLET
from ringrift.evaluation.participants import plays_as
from ringrift.evaluation.store import stored_evaluations as evaluations_of
from ringrift.game_database import GamesDatabase


@dataclass(frozen=True)
class Score:
    """Games of a model against one opponent."""

    games: int
    share: float
    """The share of the games won."""
    low: float
    high: float
    """The 95 % interval of the share."""
    verdict: str
    """The verdict of the gauntlet, `passed` or what it was stopped by; it has its own limits."""
    wanted: str
    """These, in words."""


@dataclass(frozen=True)
class Gain:
    """The gain of a model over the champion."""

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


def stored_results(database: GamesDatabase, config: str, model: str, form: str) -> Results:
    """Return the newest gauntlet of a model that plays in a way such as `gumbel@32`; empty if there was none.

    A gate takes one way alone: in another one a model might pass that has failed before.
    """
    for evaluation in evaluations_of(database, config, kind=GAUNTLET):
        if evaluation.candidate is None or not plays_as(evaluation.candidate, model, form):
            continue
        opponents = {opponent["role"]: opponent for opponent in evaluation.report["opponents"]}
        scores = {role: _score(opponent) for role, opponent in opponents.items()}
        if "champion" not in opponents:
            return Results(scores)
        champion = Spec.parse(opponents["champion"]["opponent"]).model
        return Results(scores, champion, _gain(scores["champion"]))
    return Results()


def _score(opponent: Mapping[str, Any]) -> Score:
    wanted = opponent.get("wanted") or f"≥ {opponent['limit']:.0%}"  # reports of before 2026-12 have no such words
    return Score(opponent["games"], opponent["score"], opponent["low"], opponent["high"], opponent["verdict"], wanted)


def stored_evaluations(database: GamesDatabase, config: str, model: str) -> list[dict[str, Any]]:
    """Return all evaluations of a model, the oldest first."""
    evaluations = (
        asdict(evaluation)
        for evaluation in evaluations_of(database, config)
        if evaluation.candidate is not None and Spec.parse(evaluation.candidate).model == model
    )
    return list(evaluations)[::-1]


def _gain(score: Score) -> Gain:
    """Return the difference in Elo of a score; 0 and 1, whose Elo is infinite, count as half a game from that."""
    least = 0.5 / max(score.games, 1)
    shares = (min(max(share, least), 1 - least) for share in (score.share, score.low, score.high))
    return Gain(*(400 * log10(share / (1 - share)) for share in shares))
