"""How sure a result is: intervals of shares, and the test of who is stronger."""

from __future__ import annotations

from typing import Final, Literal

CONFIDENCE: Final = 0.95


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


def score_interval(score: float, games: int) -> tuple[float, float]:
    """The 95 % Wilson interval of a mean score of games that score between 0 and 1; from 0 to 1 without games.

    Of all such scores with that mean, those of 0 and 1 alone spread most, so that the interval is never too narrow.
    """
    from statsmodels.stats.proportion import proportion_confint  # late: slow to import

    if games == 0:
        return 0.0, 1.0
    low, high = proportion_confint(score * games, games, 1 - CONFIDENCE, method="wilson")
    return float(low), float(high)
