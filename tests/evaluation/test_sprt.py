"""The sequential test: it errs no more often than it may, and stops early where the answer is clear."""

from __future__ import annotations

from collections.abc import Callable
from math import log

import numpy as np
import pytest
from scipy.stats import binomtest

from ringrift.evaluation.sprt import SprtSettings, SprtVerdict, expected_score, judge, log_ratio

SETTINGS = SprtSettings(weaker=0, stronger=60, alpha=0.05, beta=0.05, least=10, most=400)
TESTS = 200

Block = Callable[[np.random.Generator, float], float]


def independent(draw: np.random.Generator, score: float) -> float:
    """Two games of two players."""
    return float(draw.binomial(2, score) / 2)


def alike(draw: np.random.Generator, score: float) -> float:
    """Two games that end alike as often as not."""
    return float(draw.random() < score) if draw.random() < 0.5 else independent(draw, score)


def mostly_even(draw: np.random.Generator, score: float) -> float:
    """Two games, of which the first seat mostly wins each."""
    return 0.5 if draw.random() < 0.6 else float(draw.random() < (score - 0.3) / 0.4)


def three_players(draw: np.random.Generator, score: float) -> float:
    """Six games of twelve comparisons, drawn by the four."""
    return float(draw.binomial(3, score) / 3)


def run(block: Block, elo: float, draw: np.random.Generator) -> SprtVerdict:
    scores: list[float] = []
    while True:
        scores += [block(draw, expected_score(elo)) for _ in range(SETTINGS.least)]
        verdict = judge(scores, SETTINGS)
        if verdict.finished:
            return verdict


@pytest.mark.parametrize("block", [independent, alike, mostly_even, three_players])
def test_it_errs_no_more_often_than_it_may(block: Block) -> None:
    draw = np.random.default_rng(3)
    equal = [run(block, SETTINGS.weaker, draw) for _ in range(TESTS)]
    better = [run(block, SETTINGS.stronger, draw) for _ in range(TESTS)]
    passed = sum(verdict.stronger is True for verdict in equal)
    missed = sum(verdict.stronger is False for verdict in better)
    assert binomtest(passed, TESTS, SETTINGS.alpha, "greater").pvalue > 0.001, passed
    assert binomtest(missed, TESTS, SETTINGS.beta, "greater").pvalue > 0.001, missed
    decided = sum(verdict.stronger is not None for verdict in (*equal, *better))
    assert decided > 0.85 * 2 * TESTS, "a test that never answers never errs"


def test_what_is_clear_is_clear_early() -> None:
    draw = np.random.default_rng(4)
    for elo, stronger in ((300, True), (-200, False)):
        verdicts = [run(independent, elo, draw) for _ in range(50)]
        assert all(verdict.stronger is stronger for verdict in verdicts)
        assert np.mean([verdict.blocks for verdict in verdicts]) < SETTINGS.most / 5


def test_of_blocks_won_or_lost_it_is_the_ratio_of_coins() -> None:
    ratio = log_ratio([1.0] * 12 + [0.0] * 8, 0.5, 0.6)
    assert ratio == pytest.approx(12 * log(0.6 / 0.5) + 8 * log(0.4 / 0.5), abs=0.001)


def test_exchanged_hypotheses_and_players_change_the_sign() -> None:
    scores = [0.5, 1.0, 0.75, 0.25, 0.5, 1 / 3, 1.0]
    ratio = log_ratio(scores, 0.45, 0.55)
    assert log_ratio(scores, 0.55, 0.45) == pytest.approx(-ratio)
    assert log_ratio([1 - score for score in scores], 0.45, 0.55) == pytest.approx(-ratio, abs=1e-6)


def test_it_looks_only_after_the_least_blocks_and_stops_after_the_most() -> None:
    assert judge([1.0] * (SETTINGS.least - 1), SETTINGS.model_copy(update={"stronger": 400.0})).stronger is None
    assert judge([1.0] * SETTINGS.least, SETTINGS.model_copy(update={"stronger": 400.0})).stronger is True
    won = round(SETTINGS.most * (expected_score(SETTINGS.weaker) + expected_score(SETTINGS.stronger)) / 2)
    verdict = judge([1.0] * won + [0.0] * (SETTINGS.most - won), SETTINGS)
    assert (verdict.stronger, verdict.finished) == (None, True)
    assert judge([], SETTINGS).score == 0.5
