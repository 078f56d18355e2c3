"""Elo by maximum likelihood over games of two to four players, with intervals that allow for correlated games.

- *Model*: Bradley and Terry (1952): a seat of strength e beats one of strength f with probability
  1 / (1 + 10^((f − e) / 400)), fitted as a binomial regression. A game of three or four is taken as all its pairs of
  seats. If ranks follow Plackett and Luce, every such pair follows Bradley and Terry, so the strengths are the same.
- *Prior*: every two players that have met get pseudo-games, half of them won by either, as many as the leverage of
  their games: Firth's correction (1993; Jeffreys' prior). It removes the first-order bias of maximum likelihood, keeps
  a player finite who has won or lost everything, and is one game in all for each player but one.
- *Covariance*: games of one opening, and the pairs of one game, are correlated. The sandwich estimate clustered by
  block (of estimating equations: Liang and Zeger, 1986) allows for that, but is too small where all was won, so that
  nothing is left to estimate it from; that of the model is right there. A variance is the larger of the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np

from ringrift.errors import RingRiftError
from ringrift.evaluation.results import GameResult, distinct
from ringrift.kernels.types import F64, I64
from ringrift.statistics import CONFIDENCE

ANCHOR: Final = "random"
"""The player whose Elo is 0."""
ELO: Final = 400 / np.log(10)
"""Elo per unit of the logit."""
MOST_ROUNDS: Final = 200
CLOSE_ENOUGH: Final = 1e-6
"""The tolerance of numbers of pseudo-games."""


class NoRating(RingRiftError):
    """No Elo follows from the games, or a player has none."""


@dataclass(frozen=True)
class Rating:
    """The rating of a player."""

    player: str
    elo: float
    low: float
    high: float
    """The upper end of the 95 % interval of the distance to the anchor."""
    games: int


@dataclass(frozen=True)
class Difference:
    """The difference in strength of two players."""

    elo: float
    low: float
    high: float
    """The upper end of the 95 % interval."""

    def __str__(self) -> str:
        return f"{self.elo:+.0f} Elo ({self.low:+.0f} … {self.high:+.0f})"


@dataclass(frozen=True, eq=False)
class Ratings:
    """The ratings of players on one scale, the strongest first."""

    anchor: str
    players: tuple[Rating, ...]
    notes: tuple[str, ...]
    """Notes on players that were left out, and on intervals that say less than they seem to."""
    covariances: tuple[F64, F64]
    """The covariance by the model and by blocks, each `[players, players]` in Elo², in the order of `players`."""

    def __getitem__(self, player: str) -> Rating:
        for rating in self.players:
            if rating.player == player:
                return rating
        raise NoRating(f"{player}: has no Elo: no rated games connect it with {self.anchor}")

    def __contains__(self, player: object) -> bool:
        return any(rating.player == player for rating in self.players)

    def difference(self, first: str, second: str) -> Difference:
        """Return by how much the first is stronger; surer than the two intervals, which share the way to the anchor."""
        contrast = np.zeros(len(self.players))
        contrast[self.players.index(self[first])] += 1
        contrast[self.players.index(self[second])] -= 1
        reach = _reach(contrast, self.covariances)
        elo = self[first].elo - self[second].elo
        return Difference(elo, elo - reach, elo + reach)

    def to_json(self) -> dict[str, Any]:
        """Return all but the covariances in JSON's types."""
        return {
            "anchor": self.anchor,
            "players": [asdict(rating) for rating in self.players],
            "notes": list(self.notes),
        }


def fit_elo(games: Sequence[GameResult], *, anchor: str = ANCHOR) -> Ratings:
    """Fit the Elo of all players that games connect with the anchor; `NoRating` if there are no games of the anchor.

    Repeated games count once.
    """
    table = _pairs(distinct(games))
    names = list(table.names)
    connected = table.component(anchor, "weak") if anchor in names else set()
    if len(connected) < 2:
        raise NoRating(f"there are no games of {anchor}, whose Elo is 0: let it play, too")
    notes = [f"{name}: left out, no games connect it with {anchor}" for name in names if name not in connected]
    if notes:
        table = _pairs([game for game in distinct(games) if connected.issuperset(game.players)])
    free = [name for name in table.names if name != anchor]
    logits, covariances = _fit(table, free)
    elo = dict(zip([anchor, *free], [0.0, *(ELO * logits).tolist()], strict=True))
    order = sorted(elo, key=lambda name: (-elo[name], name))
    places = [[anchor, *free].index(name) for name in order]
    both = tuple(ELO**2 * np.pad(covariance, (1, 0))[np.ix_(places, places)] for covariance in covariances)
    counts = _game_counts(games)
    ratings = []
    for place, name in enumerate(order):
        reach = _reach(np.eye(len(order))[place], both)
        ratings.append(Rating(name, elo[name], elo[name] - reach, elo[name] + reach, counts[name]))
    bounded = table.component(anchor, "strong")
    notes += [
        f"{name}: all points between it and {anchor} have gone one way; how far its interval reaches there is up to "
        "the prior, not to games"
        for name in order
        if name not in bounded
    ]
    return Ratings(anchor, tuple(ratings), tuple(notes), (both[0], both[1]))


@dataclass(frozen=True, eq=False)
class _Pairs:
    """The scores of players against each other, a row for every pair that has met in a block."""

    names: tuple[str, ...]
    blocks: I64
    """`[rows]`"""
    pairs: I64
    """`[rows, 2]`, indices into `names`, the lower one first."""
    scores: F64
    """`[rows]`, the score of the first."""
    counts: F64
    """`[rows]`, the number of comparisons."""

    def design(self, free: Sequence[str]) -> F64:
        """Return `[rows, free]`: 1 for the first player of a row, −1 for the second; others have no column."""
        one_hot = np.array([[name == other for other in free] for name in self.names], np.float64)
        design: F64 = one_hot[self.pairs[:, 0]] - one_hot[self.pairs[:, 1]]
        return design

    def in_all(self) -> _Pairs:
        """Return the same with all blocks added up: a row for every pair, which is its block, too."""
        pairs, inverse = np.unique(self.pairs, axis=0, return_inverse=True)
        scores, counts = np.zeros((2, len(pairs)))
        np.add.at(scores, inverse, self.scores)
        np.add.at(counts, inverse, self.counts)
        return _Pairs(self.names, np.arange(len(pairs)), pairs, scores, counts)

    def component(self, player: str, connection: Literal["weak", "strong"]) -> set[str]:
        """Return the players that points connect with a player: `weak` in either direction, `strong` in both.

        The latter are those whose distance is bounded by the games (Ford, 1957).
        """
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import connected_components

        points = np.zeros((len(self.names), len(self.names)))
        np.add.at(points, tuple(self.pairs.T), self.scores)
        np.add.at(points, tuple(self.pairs.T[::-1]), self.counts - self.scores)
        _, labels = connected_components(csr_array(points), connection=connection)
        own = labels[self.names.index(player)]
        return {name for name, label in zip(self.names, labels, strict=True) if label == own}


def _pairs(games: Sequence[GameResult]) -> _Pairs:
    names = sorted({name for game in games for name in game.players})
    place = {name: index for index, name in enumerate(names)}
    blocks: dict[str, int] = {}
    sums: dict[tuple[int, int, int], list[float]] = {}
    for game in games:
        block = blocks.setdefault(game.block, len(blocks))
        for first, second, score in game.comparisons():
            row = (block, place[first], place[second])
            if row[1] > row[2]:
                row, score = (block, row[2], row[1]), 1 - score
            entry = sums.setdefault(row, [0.0, 0.0])
            entry[0] += score
            entry[1] += 1
    rows = np.array(list(sums), np.int64).reshape(-1, 3)
    numbers = np.array(list(sums.values()), np.float64).reshape(-1, 2)
    return _Pairs(tuple(names), rows[:, 0], rows[:, 1:], numbers[:, 0], numbers[:, 1])


def _fit(table: _Pairs, free: Sequence[str]) -> tuple[F64, tuple[F64, F64]]:
    """Return the logits of all players but the anchor, and their covariance by the model and by blocks."""
    from statsmodels.genmod.cov_struct import Independence  # late: slow to import
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_estimating_equations import GEE

    pairs = table.in_all()
    design = pairs.design(free)
    pseudo, logits = _pseudo_games(design, pairs.scores, pairs.counts)
    counts = np.concatenate([table.counts, pseudo])
    fit = GEE(
        np.concatenate([table.scores, pseudo / 2]) / counts,
        np.concatenate([table.design(free), design]),
        groups=np.concatenate([table.blocks, table.blocks.max() + 1 + pairs.blocks]),
        family=Binomial(),
        cov_struct=Independence(),
        weights=counts,
    ).fit(start_params=logits, scale=1.0)  # robust: "bias_reduced" is wrong where weights differ within a block
    blocks = len(np.unique(table.blocks))
    few = blocks / max(blocks - len(free), 1)  # the usual correction for as many blocks as there are parameters
    return fit.params, (fit.cov_naive, few * fit.cov_robust)


def _pseudo_games(design: F64, scores: F64, counts: F64) -> tuple[F64, F64]:
    """Return Firth's pseudo-games, as many for each pair as the leverage of its games, and the logits that follow."""
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM

    outcomes = np.repeat([1.0, 0.0], len(counts))
    both_ways = np.concatenate([design, design])
    pseudo = np.full(len(counts), design.shape[1] / len(counts))
    for _ in range(MOST_ROUNDS):  # about seven until convergence
        weights = np.concatenate([scores, counts - scores]) + np.tile(pseudo / 2, 2)
        fit = GLM(outcomes, both_ways, family=Binomial(), var_weights=weights).fit()
        expected = fit.fittedvalues[: len(counts)]
        information = counts * expected * (1 - expected)
        covariance = np.linalg.inv(design.T @ (information[:, None] * design))
        leverage = information * np.einsum("ij,jk,ik->i", design, covariance, design)
        if np.abs(leverage - pseudo).max() < CLOSE_ENOUGH:
            break
        pseudo = leverage
    return pseudo, fit.params


def _reach(contrast: F64, covariances: tuple[F64, ...]) -> float:
    """Return how far the 95 % interval of a contrast reaches to either side."""
    from scipy.special import ndtri

    variance = max(float(contrast @ covariance @ contrast) for covariance in covariances)
    return float(ndtri((1 + CONFIDENCE) / 2) * np.sqrt(variance))


def _game_counts(games: Sequence[GameResult]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for game in distinct(games):
        for name in set(game.players):
            counts[name] = counts.get(name, 0) + 1
    return counts
