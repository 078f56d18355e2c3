"""The sequential probability ratio test: blocks of games are played until it is clear which player is stronger.

A block is one opening in all seatings; its score, the mean over its games, is between 0 and 1. Blocks are independent,
while games in them are not, so blocks are what is counted: the generalised sequential probability ratio test (GSPRT)
that chess engines are tested with on pairs of games ("pentanomial": Van den Bergh, "A practical introduction to the
GSPRT", 2020; Wald, 1945, for the bounds). Each hypothesis fixes the expected score; the distribution of scores under it
is the likeliest of that mean on the scores that have been seen (Owen's empirical likelihood, 1988).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log, log10
from typing import Annotated, Final

from pydantic import Field, PositiveInt

from ringrift.settings import Settings

UNSEEN: Final = 1e-3
"""Blocks that count as seen at scores of 0 and 1, so that every mean is possible; that of Stockfish's Fishtest."""

Risk = Annotated[float, Field(gt=0, lt=0.5)]


class SprtSettings(Settings):
    """The settings of the test."""

    weaker: float
    """The Elo of the null hypothesis, that the player is no stronger than that."""
    stronger: float
    """The Elo of the alternative, that it is at least that strong."""
    alpha: Risk
    """The risk that a player of the null hypothesis passes."""
    beta: Risk
    """The risk that a player of the alternative fails."""
    least: PositiveInt
    """Blocks before the first look: the spread of scores is unknown before."""
    most: PositiveInt
    """Blocks at most."""


@dataclass(frozen=True)
class SprtVerdict:
    """The state of the test."""

    blocks: int
    score: float
    """The mean of the blocks."""
    ratio: float
    """The logarithm of the likelihood ratio of the hypotheses."""
    lower: float
    upper: float
    """The bound beyond which it is clear that the player is stronger; below `lower`, that it is not."""
    stronger: bool | None
    """The answer; None while it is not clear."""
    finished: bool
    """Whether no more blocks are needed: the answer is clear, or the most have been played."""


def expected_score(elo: float) -> float:
    """Return the expected score of a player against another that is `elo` weaker."""
    return float(1 / (1 + 10 ** (-elo / 400)))


def elo_of(score: float) -> float:
    """Return by how many Elo a player is stronger that scores `score`, between 0 and 1."""
    return 400 * log10(score / (1 - score))


def judge(scores: Sequence[float], settings: SprtSettings) -> SprtVerdict:
    """Return the state of the test after blocks with these scores."""
    lower = log(settings.beta / (1 - settings.alpha))
    upper = log((1 - settings.beta) / settings.alpha)
    ratio = log_ratio(scores, expected_score(settings.weaker), expected_score(settings.stronger))
    stronger = None
    if len(scores) >= settings.least:
        stronger = True if ratio >= upper else False if ratio <= lower else None
    return SprtVerdict(
        blocks=len(scores),
        score=sum(scores) / len(scores) if scores else 0.5,
        ratio=ratio,
        lower=lower,
        upper=upper,
        stronger=stronger,
        finished=stronger is not None or len(scores) >= settings.most,
    )


def log_ratio(scores: Sequence[float], null: float, alternative: float) -> float:
    """Return the logarithm of the likelihood ratio of two expected scores, above 0 if the alternative is likelier."""
    counts = Counter(round(score, 6) for score in scores)  # thirds do not add up exactly
    weights = {0.0: UNSEEN, 1.0: UNSEEN} | counts
    return _log_likelihood(weights, alternative) - _log_likelihood(weights, null)


def _log_likelihood(weights: dict[float, float], mean: float) -> float:
    """Return the log-likelihood of the likeliest distribution with that mean, up to what all means have in common.

    It gives a score s the weight w / (1 + x (s − mean)); x is such that the mean is right.
    """
    from scipy.optimize import brentq  # late: slow to import

    def excess(x: float) -> float:
        return sum(weight * (score - mean) / (1 + x * (score - mean)) for score, weight in weights.items())

    # Beyond these, some weight would be negative; towards them, the excess grows without bound.
    low, high = -1 / (1 - mean), 1 / mean
    margin = 1e-9 * (high - low)
    x = brentq(excess, low + margin, high - margin)
    return -sum(weight * log(1 + x * (score - mean)) for score, weight in weights.items())
