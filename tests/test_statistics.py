"""Intervals that know that games of one opening hang together."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from ringrift.statistics import effective_games, wilson_bounds, wilson_interval


def test_pairs_of_games_that_end_alike_are_worth_one_game_each() -> None:
    assert effective_games(np.array([1.0, 0.0] * 50), 200) == pytest.approx(99)  # one degree of freedom is the mean's


def test_independent_games_are_worth_what_they_are() -> None:
    blocks = np.random.default_rng(1).binomial(2, 0.6, 4000) / 2
    assert effective_games(blocks, 8000) == pytest.approx(8000, rel=0.05)


def test_blocks_that_are_all_alike_are_worth_no_more_than_their_games() -> None:
    assert effective_games(np.full(10, 0.5), 20) == 20
    assert effective_games(np.ones(10), 20) == 20
    assert effective_games(np.ones(1), 2) == 2


@pytest.mark.parametrize(("won", "games"), [(0, 10), (7, 10), (10, 10), (51, 5000)])
def test_the_bounds_are_those_of_wilson(won: int, games: int) -> None:
    expected = binomtest(won, games).proportion_ci(0.95, method="wilson")
    assert wilson_interval(won, games) == pytest.approx((expected.low, expected.high), abs=1e-12)
    low, high = wilson_bounds(np.array([won / games]), np.array([float(games)]), 0.05)
    assert (low[0], high[0]) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert wilson_interval(0, 0) == (0, 1)
