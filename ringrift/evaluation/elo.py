"""Elo by maximum likelihood over games of two to four players, with intervals that know how games hang together.

- *Model*: Bradley and Terry (1952): a seat of strength e beats one of strength f with probability
  1 / (1 + 10^((f − e) / 400)), fitted as a binomial regression. A game of three or four is taken as all its pairs of
  seats. If ranks follow Plackett and Luce, every such pair follows Bradley and Terry, so the strengths are the same.
- *Prior*: every two players that have met get pseudo-games, half of them won by either, as many as the leverage of
  their games: Firth's correction (1993; Jeffreys' prior). It removes the first-order bias of maximum likelihood, keeps
  a player finite who has won or lost everything, and is one game in all for each player but one.
- *Covariance*: games of one opening, and the pairs of one game, are correlated. The sandwich estimate clustered by block
  knows that, but too small where everything was won and residuals are nought; that of the model is then right. A variance
  is the larger of the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from ringrift.evaluation.results import GameResult, distinct
from ringrift.game import RingRiftError
from ringrift.statistics import CONFIDENCE

if TYPE_CHECKING:
    import pandas as pd

ANCHOR: Final = "random"
"""The player whose Elo is 0."""
ELO: Final = 400 / np.log(10)
"""Elo per unit of the logit."""
CLOSE_ENOUGH: Final = 1e-6
"""Numbers of pseudo-games."""

Floats = npt.NDArray[np.float64]


class NoRating(RingRiftError):
    """Games that no Elo follows from, or a player without one."""


@dataclass(frozen=True)
class Rating:
    """How strong a player is."""

    player: str
    elo: float
    low: float
    high: float
    """The 95 % interval of the distance to the anchor."""
    games: int


@dataclass(frozen=True)
class Difference:
    """By how much one player is stronger than another."""

    elo: float
    low: float
    high: float
    """The 95 % interval."""

    def __str__(self) -> str:
        return f"{self.elo:+.0f} Elo ({self.low:+.0f} … {self.high:+.0f})"


@dataclass(frozen=True, eq=False)
class Ratings:
    """The strengths of players on one scale, the strongest first."""

    anchor: str
    players: tuple[Rating, ...]
    notes: tuple[str, ...]
    """Who was left out, and whose interval says less than it seems."""
    covariances: tuple[Floats, Floats]
    """By the model and by blocks, each `[players, players]` in Elo², in the order of `players`."""

    def __getitem__(self, player: str) -> Rating:
        for rating in self.players:
            if rating.player == player:
                return rating
        raise NoRating(f"{player}: has no Elo: no rated games connect it with {self.anchor}")

    def __contains__(self, player: object) -> bool:
        return any(rating.player == player for rating in self.players)

    def difference(self, first: str, second: str) -> Difference:
        """By how much the first is stronger; surer than the two intervals, which share the way to the anchor."""
        contrast = np.zeros(len(self.players))
        contrast[self.players.index(self[first])] += 1
        contrast[self.players.index(self[second])] -= 1
        reach = _reach(contrast, self.covariances)
        elo = self[first].elo - self[second].elo
        return Difference(elo, elo - reach, elo + reach)


def fit_elo(games: Sequence[GameResult], *, anchor: str = ANCHOR) -> Ratings:
    """The Elo of everybody whom games connect with the anchor; `NoRating` if there are no games of the anchor.

    Repeated games count once.
    """
    table = _comparisons(distinct(games))
    names = sorted({*table["first"], *table["second"]})
    if anchor not in names:
        raise NoRating(f"there are no games of {anchor}, whose Elo is 0: let it play, too")
    connected = _connected(table, names, anchor)
    notes = [f"{name}: left out, no games connect it with {anchor}" for name in names if name not in connected]
    table = table[table["first"].isin(connected)]
    free = [name for name in sorted(connected) if name != anchor]
    logits, covariances = _fit(table, free)
    elo = dict(zip([anchor, *free], ELO * np.concatenate([[0.0], logits]), strict=True))
    order = sorted(elo, key=lambda name: (-elo[name], name))
    places = [[anchor, *free].index(name) for name in order]
    both = tuple(ELO**2 * np.pad(one, (1, 0))[np.ix_(places, places)] for one in covariances)
    counts = _game_counts(games)
    ratings = []
    for place, name in enumerate(order):
        reach = _reach(np.eye(len(order))[place], both)
        ratings.append(Rating(name, float(elo[name]), elo[name] - reach, elo[name] + reach, counts[name]))
    notes += [
        f"{name}: nobody from {anchor} up to it has ever been beaten from below, or nobody down to it has ever won: its "
        "distance has no upper bound in the games, and the interval ends where the prior says"
        for name in order
        if name not in _strongly_connected(table, sorted(connected), anchor)
    ]
    return Ratings(anchor, tuple(ratings), tuple(notes), (both[0], both[1]))


def _comparisons(games: Sequence[GameResult]) -> pd.DataFrame:
    """What the first player scored in how many comparisons with the second, by block and pair."""
    import pandas as pd  # late: slow to import

    rows = []
    for game in games:
        for first, second, score in game.comparisons():
            row = (game.block, first, second, score) if first < second else (game.block, second, first, 1 - score)
            rows.append(row)
    table = pd.DataFrame(rows, columns=["block", "first", "second", "score"])
    return table.groupby(["block", "first", "second"], as_index=False).agg(
        score=("score", "sum"), count=("score", "count")
    )


def _fit(table: pd.DataFrame, free: Sequence[str]) -> tuple[Floats, tuple[Floats, Floats]]:
    """The logits of all players but the anchor, and their covariance by the model and by blocks."""
    from statsmodels.genmod.cov_struct import Independence  # late: slow to import
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_estimating_equations import GEE

    pairs = table.groupby(["first", "second"], as_index=False)[["score", "count"]].sum()
    pseudo, logits = _pseudo_games(_design(pairs, free), pairs["score"].to_numpy(), pairs["count"].to_numpy())
    scores = np.concatenate([table["score"], pseudo / 2])
    counts = np.concatenate([table["count"], pseudo])
    blocks = table["block"].astype("category").cat.codes.to_numpy()
    fit = GEE(
        scores / counts,
        np.concatenate([_design(table, free), _design(pairs, free)]),
        groups=np.concatenate([blocks, len(table) + np.arange(len(pairs))]),
        family=Binomial(),
        cov_struct=Independence(),
        weights=counts,
    ).fit(start_params=logits, scale=1.0, cov_type="bias_reduced")
    return fit.params, (fit.cov_naive, fit.cov_robust_bc)


def _pseudo_games(design: Floats, scores: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """Firth's, as many for each pair as the leverage of its games; and the logits that follow."""
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM

    outcomes = np.repeat([1.0, 0.0], len(counts))
    both_ways = np.concatenate([design, design])
    pseudo = np.full(len(counts), design.shape[1] / len(counts))
    while True:
        weights = np.concatenate([scores, counts - scores]) + np.tile(pseudo / 2, 2)
        fit = GLM(outcomes, both_ways, family=Binomial(), var_weights=weights).fit()
        expected = fit.fittedvalues[: len(counts)]
        information = counts * expected * (1 - expected)
        covariance = np.linalg.inv(design.T @ (information[:, None] * design))
        leverage = information * np.einsum("ij,jk,ik->i", design, covariance, design)
        if np.abs(leverage - pseudo).max() < CLOSE_ENOUGH:
            return pseudo, fit.params
        pseudo = leverage


def _design(table: pd.DataFrame, free: Sequence[str]) -> Floats:
    """`[rows, free]`: 1 for the first player of a row, −1 for the second; the anchor has no column."""
    names = np.array(free)
    first, second = table["first"].to_numpy(str), table["second"].to_numpy(str)
    return (first[:, None] == names).astype(np.float64) - (second[:, None] == names)


def _reach(contrast: Floats, covariances: tuple[Floats, ...]) -> float:
    """How far the 95 % interval of a contrast reaches to either side."""
    from scipy.special import ndtri

    variance = max(float(contrast @ covariance @ contrast) for covariance in covariances)
    return float(ndtri((1 + CONFIDENCE) / 2)) * variance**0.5


def _connected(table: pd.DataFrame, names: Sequence[str], anchor: str) -> set[str]:
    """Whom games connect with the anchor."""
    return _component(table, names, anchor, "weak")


def _strongly_connected(table: pd.DataFrame, names: Sequence[str], anchor: str) -> set[str]:
    """Whose distance to the anchor is bounded by the games (Ford, 1957): points have gone both ways between them."""
    return _component(table, names, anchor, "strong")


def _component(table: pd.DataFrame, names: Sequence[str], anchor: str, connection: str) -> set[str]:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    place = {name: index for index, name in enumerate(names)}
    points = np.zeros((len(names), len(names)))
    for row in table.itertuples():
        points[place[row.first], place[row.second]] += row.score
        points[place[row.second], place[row.first]] += row.count - row.score
    _, labels = connected_components(csr_array(points), connection=connection)
    return {name for name in names if labels[place[name]] == labels[place[anchor]]}


def _game_counts(games: Sequence[GameResult]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for game in distinct(games):
        for name in set(game.players):
            counts[name] = counts.get(name, 0) + 1
    return counts
