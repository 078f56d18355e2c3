"""How sure a result is: intervals of shares, and the test of who is stronger."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import numpy.typing as npt

CONFIDENCE: Final = 0.95

Floats = npt.NDArray[np.float64]


def wilson_interval(won: int, games: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, 1927); from 0 to 1 without games."""
    from scipy.stats import binomtest  # late: slow to import

    if games == 0:
        return 0.0, 1.0
    interval = binomtest(won, games).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def sign_test(better: int, worse: int, alternative: Literal["greater", "two-sided"]) -> float:
    """The p-value of the sign test: how probable so many `better` of the decided comparisons are by chance."""
    from scipy.stats import binomtest

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
    """Return the Wilson interval (1927) of mean scores of so many games, which it misses with probability `risk`."""
    from scipy.special import ndtri  # late: slow to import

    z = -ndtri(np.asarray(risk) / 2)
    middle = (score + z**2 / (2 * games)) / (1 + z**2 / games)
    reach = z * np.sqrt(score * (1 - score) / games + z**2 / (4 * games**2)) / (1 + z**2 / games)
    return middle - reach, middle + reach
