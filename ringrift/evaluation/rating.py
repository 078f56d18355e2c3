"""The Elo of a config: games for it, fits, their history and trend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from ringrift.evaluation.elo import Rating, Ratings, fit_elo
from ringrift.evaluation.fixtures import Fixture
from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.participants import Participant, model_of, participant
from ringrift.evaluation.store import first_played, newest_ratings, rated_games, store_ratings
from ringrift.game import parse_config
from ringrift.game_database import GamesDatabase
from ringrift.statistics import CONFIDENCE

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
    # All are made ready before the first game: a bad file costs none.
    for match in [runner.ready(fixture) for fixture in rating_fixtures(config, model, champion, runner)]:
        runner.play_ready(match)
    return update_ratings(runner.database, config)


def rating_fixtures(
    config: str, model: Participant, champion: Participant | None, runner: MatchRunner
) -> list[Fixture]:
    """Return the games of a rating: neighbouring anchors, which pins the scale; then the model against all of them."""
    pinning, opponents = anchor_fixtures(config, runner), anchors(config, runner)
    if champion is not None and champion.name != model.name:
        opponents.append(champion)
    games = runner.settings.rating.games
    return pinning + [Fixture(config, "rating", "rating", games, (model, opponent)) for opponent in opponents]


def anchor_fixtures(config: str, runner: MatchRunner) -> list[Fixture]:
    """Return the games of neighbouring anchors."""
    games = runner.settings.rating.anchor_games
    return [Fixture(config, "rating", "anchors", games, pair) for pair in pairwise(anchors(config, runner))]


def anchors(config: str, runner: MatchRunner) -> list[Participant]:
    """Return the players whose strength does not change, the weakest first."""
    return [participant(spec, config) for spec in runner.settings.rating.anchors[parse_config(config)[1]]]


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
    return [trend(form, points[-last:]) for form, points in sorted(by_form.items()) if len(points) >= LEAST_POINTS]


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
    return {
        form: (rating.elo, rating.low, rating.high)
        for rating in ratings
        if model_of(rating.player) == model and (form := form_of(rating.player)) is not None
    }


def form_of(player: str) -> str | None:
    """Return how a model plays, `gumbel@32` for `gumbel:0123456789abcdef@32`; None for a player without a model."""
    model = model_of(player)
    return None if model is None else player.replace(f":{model}", "", 1)
