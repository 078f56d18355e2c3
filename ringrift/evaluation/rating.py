"""The Elo of a config: games for it, fits, their history and trend."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from ringrift.evaluation.elo import Rating, Ratings, fit_elo
from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.participants import Participant, participant
from ringrift.evaluation.store import first_played, newest_ratings, rated_games, store_ratings
from ringrift.game import parse_config
from ringrift.game_database import GamesDatabase
from ringrift.statistics import CONFIDENCE

_MODEL: Final = re.compile(r"(?<=:)[0-9a-f]{16}(?=[@?]|$)")
LEAST_POINTS: Final = 3
"""The models that a slope with an interval needs."""


@dataclass(frozen=True)
class Trend:
    """The trend of a config's models."""

    form: str
    """The way in which they play, such as `gumbel@32`."""
    models: tuple[str, ...]
    """The models' names, the oldest first."""
    slope: float
    """Elo from one model to the next."""
    low: float
    high: float
    """The upper end of its 95 % interval."""

    def __str__(self) -> str:
        return (
            f"{self.form}: {self.slope:+.0f} Elo a model ({self.low:+.0f} … {self.high:+.0f}) over the last "
            f"{len(self.models)}"
        )


def rate_model(config: str, model: Participant, champion: Participant | None, runner: MatchRunner) -> Ratings:
    """Play the rating games of a model, against every anchor and the champion, and fit all ratings anew.

    Before the first model, the anchors play each other. Raises `Interrupted`.
    """
    rate_anchors(config, runner)
    opponents = anchors(config, runner)
    if champion is not None and champion.name != model.name:
        opponents.append(champion)
    ready = []
    for opponent in opponents:
        pair = (model, opponent)
        plan = runner.plan(config, pair, games=runner.settings.rating.games, kind="rating", part="rating")
        ready.append((plan, runner.agents(plan, pair)))  # all before the first game: a bad file costs none
    for plan, agents in ready:
        runner.play("rating", plan, agents)
    return update_ratings(runner.database, config)


def rate_anchors(config: str, runner: MatchRunner) -> None:
    """Let neighbouring anchors play each other, which pins the scale; games that have been played count."""
    for pair in pairwise(anchors(config, runner)):
        plan = runner.plan(config, pair, games=runner.settings.rating.anchor_games, kind="rating", part="anchors")
        runner.play("rating", plan, runner.agents(plan, pair))


def anchors(config: str, runner: MatchRunner) -> list[Participant]:
    """Return the players whose strength does not change, the weakest first."""
    return [participant(spec) for spec in runner.settings.rating.anchors[parse_config(config)[1]]]


def update_ratings(database: GamesDatabase, config: str) -> Ratings:
    """Fit the Elo of all players to all games that count, and add it to the history; `NoRating` without any."""
    ratings = fit_elo(rated_games(database, config))
    store_ratings(database, config, ratings)
    return ratings


def trends(database: GamesDatabase, config: str, last: int) -> list[Trend]:
    """Return the trends of the last models by form, by the newest fit; forms with too few models are left out."""
    by_form: dict[str, list[Rating]] = {}
    began = first_played(database, config)
    for rating in sorted(newest_ratings(database, config), key=lambda rating: began.get(rating.player, 0)):
        form = form_of(rating.player)
        if form is not None:
            by_form.setdefault(form, []).append(rating)
    return [trend(form, found[-last:]) for form, found in sorted(by_form.items()) if len(found) >= LEAST_POINTS]


def trend(form: str, ratings: Sequence[Rating]) -> Trend:
    """Return the slope of the Elo of models, the oldest first, by least squares."""
    from scipy.special import stdtrit

    elo = np.array([rating.elo for rating in ratings])
    steps = np.arange(len(ratings)) - (len(ratings) - 1) / 2
    spread = steps @ steps
    slope = float(steps @ elo / spread)
    left = elo - elo.mean() - slope * steps
    freedom = len(ratings) - 2
    half = float(stdtrit(freedom, (1 + CONFIDENCE) / 2) * np.sqrt(left @ left / freedom / spread))
    return Trend(form, tuple(rating.player for rating in ratings), slope, slope - half, slope + half)


def elo_by_form(ratings: Sequence[Rating], model: str) -> dict[str, tuple[float, float, float]]:
    """Return the ratings of a model by way of playing: Elo and its 95 % interval."""
    own = (one for one in ratings if model in one.player)
    return {form_of(one.player) or one.player: (one.elo, one.low, one.high) for one in own}


def form_of(player: str) -> str | None:
    """Return how a model plays, `gumbel@32` for `gumbel:0123456789abcdef@32`; None for a player without a model."""
    return player.replace(f":{found[0]}", "", 1) if (found := _MODEL.search(player)) else None
