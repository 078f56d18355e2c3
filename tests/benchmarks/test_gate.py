"""The simulation of gates: its games and rules are those that are known, and a loop does what its rule says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from ringrift.benchmarks.gate import FixedGames, Loop, NoGate, Sequential, log_ratios, simulate, steps
from ringrift.evaluation.sprt import expected_score, log_ratio

REFUSE_ALL = Sequential("nobody", -1000, 3000, 0.49, 10, undecided=1)


@pytest.mark.parametrize("players", [2, 3, 4])
@pytest.mark.parametrize("elo", [-100.0, 0.0, 100.0])
def test_a_candidate_scores_what_its_strength_says(players: int, elo: float) -> None:
    loop = Loop(players=players)
    scores = loop.block_scores(np.full(200, elo), 50, np.random.default_rng(1))
    assert scores.mean() == pytest.approx(expected_score(elo), abs=0.01)
    assert loop.games_of_block == players


def test_an_equal_candidate_passes_a_fixed_rule_as_often_as_a_coin_would() -> None:
    rule = FixedGames("38 of 60", 60, 38 / 60, by_blocks=False, cut_off=0.0)
    passed, games = rule.judge(Loop(), np.zeros(20_000), np.zeros(20_000, np.int64), np.random.default_rng(2))
    assert passed.mean() == pytest.approx(binom.sf(37, 60, 0.5), abs=0.004)
    assert set(games.tolist()) == {60}


def test_where_openings_suit_one_network_blocks_are_what_counts() -> None:
    loop = Loop(opening_spread=300.0)
    equal, refused = np.zeros(20_000), np.zeros(20_000, np.int64)
    by_games, by_blocks = (
        FixedGames("", 60, 0.5, 0.5, by_blocks=blocks, cut_off=0.0)
        .judge(loop, equal, refused, np.random.default_rng(3))[0]
        .mean()
        for blocks in (False, True)
    )
    assert by_games > 0.045, "more than the interval's risk of 2.5 %"
    assert by_blocks < 0.035


def test_the_spent_error_gets_less_with_every_refusal() -> None:
    rule = FixedGames("", 60, 0.5, 0.5, spending=True)
    better = np.full(5000, 100.0)
    first, tenth = (
        rule.judge(Loop(), better, np.full(5000, refused), np.random.default_rng(4))[0].mean() for refused in (0, 9)
    )
    assert first > tenth + 0.2


@pytest.mark.parametrize("wins", [2, 5, 8])
def test_the_ratio_of_normal_scores_is_near_the_exact_one(wins: int) -> None:
    scores = [1.0] * wins + [0.5] * 10 + [0.0] * (10 - wins)
    exact = log_ratio(scores, expected_score(-35), expected_score(35))
    assert log_ratios(np.array([scores]), -35, 35)[0] == pytest.approx(exact, abs=0.1 + 0.2 * abs(exact))


def test_a_sequential_rule_ends_early_for_who_is_clearly_better_or_worse() -> None:
    rule = Sequential("", -35, 35, 0.2, 100)
    for elo, share in ((300.0, 1.0), (-300.0, 0.0)):
        difference = np.full(500, elo)
        passed, games = rule.judge(Loop(), difference, np.zeros(500, np.int64), np.random.default_rng(5))
        assert passed.mean() == pytest.approx(share, abs=0.02)
        assert games.mean() < 20


def test_without_a_gate_the_last_candidate_is_champion() -> None:
    loop = Loop(candidates=5)
    outcome = simulate(NoGate(), loop, loops=50, seed=6)
    walk = list(steps(loop, 50, np.random.default_rng([6, 0])))
    strength = sum(step for step, _ in walk) + walk[-1][1]
    assert outcome.final == pytest.approx(strength.mean())
    assert (outcome.promoted, outcome.games, outcome.missed) == (1.0, 0.0, 0.0)
    assert outcome.budget == pytest.approx(outcome.final)


def test_candidates_that_learn_from_the_champion_do_not_get_far_ahead_of_it() -> None:
    free = Loop(states=(1.0, 0.0, 0.0), step_spread=0.0, own_spread=0.0, slip=(0.0, 0.0))
    bound = replace(free, headroom=100.0)
    assert simulate(REFUSE_ALL, bound, loops=2, seed=7).final == 0
    better = simulate(NoGate(), bound, loops=2, seed=7)
    assert better.final == pytest.approx(simulate(NoGate(), free, loops=2, seed=7).final), "it is the champion itself"
    assert simulate(REFUSE_ALL, bound, loops=2, seed=7).missed == 1
