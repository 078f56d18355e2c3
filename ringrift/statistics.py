"""The uncertainty of results: intervals of shares, and the sign test of two players."""

from __future__ import annotations

from statistics import NormalDist
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

CONFIDENCE: Final = 0.95
QUANTILE: Final = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
"""The standard deviations on either side of such an interval."""

Floats = npt.NDArray[np.float64]


def wilson_interval(won: int, games: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, 1927); from 0 to 1 without games."""
    if games == 0:
        return 0.0, 1.0
    low, high = _wilson(np.array(won / games), np.array(float(games)), np.array(QUANTILE))
    return max(float(low), 0.0), min(float(high), 1.0)


def sign_test(better: int, worse: int, alternative: Literal["greater", "two-sided"]) -> float:
    """Return the p-value of the sign test: the probability of this many `better` of all decided comparisons."""
    from scipy.stats import binomtest  # late: takes seconds to import

    if better + worse == 0:
        return 1.0
    return float(binomtest(better, better + worse, alternative=alternative).pvalue)


def effective_games(blocks: Floats, games: int) -> Floats:
    """Return how many independent games say as much as `games` in blocks with these scores: `[…]` of `[…, blocks]`.

    A block is one opening in all seatings: blocks are independent, and games in them need not be. So the variance of
    the mean is that between blocks (the clustered standard error of survey statistics, Kish, 1965), unless independent
    games would vary more: a small spread between few blocks may be luck. `games` may leave out repeated ones.
    """
    score = blocks.mean(-1)
    count = blocks.shape[-1]
    independent = score * (1 - score) / games
    between = blocks.var(-1, ddof=1) / count if count > 1 else independent
    ratio = np.divide(independent, between, out=np.ones_like(score), where=between > independent)
    return np.asarray(games * ratio)


def wilson_bounds(score: Floats, games: Floats, risk: Floats | float) -> tuple[Floats, Floats]:
    """Return the Wilson interval (1927) of mean scores of `games` games, which it misses with probability `risk`."""
    from scipy.special import ndtri  # late: takes a moment to import

    return _wilson(score, games, -ndtri(np.asarray(risk) / 2))


def _wilson(score: Floats, games: Floats, z: Floats) -> tuple[Floats, Floats]:
    middle = (score + z**2 / (2 * games)) / (1 + z**2 / games)
    reach = z * np.sqrt(score * (1 - score) / games + z**2 / (4 * games**2)) / (1 + z**2 / games)
    return middle - reach, middle + reach
