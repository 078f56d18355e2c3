"""Every search finds wins in one turn, blocks, and the chain of captures that counts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ringrift.agents import make_agent
from ringrift.game import get_board
from ringrift.game.types import States
from ringrift.heuristic import frozen_weights
from ringrift.search import (
    BestReplySearch,
    DescentSearch,
    GumbelSearch,
    MaxnSearch,
    MinimaxSearch,
    ParanoidSearch,
    PuctSearch,
    SearchLimits,
    SearchOutput,
    UniformEvaluator,
)
from tests.search.tactics import TACTICS, Tactic, solves

pytestmark = pytest.mark.slow

Run = Callable[[States], SearchOutput]

BUDGET = 200
"""Of searches that know nothing: to them every position is worth the same until the game ends."""
GUMBEL_BUDGET = 2 * BUDGET
"""With equal priors it draws its 16 actions blindly, and needs longer for those that defend."""
DEPTH = 6
"""An own turn and the one of an opponent, of up to three decisions each."""
DEEPENING = {"minimax": MinimaxSearch, "maxn": MaxnSearch, "paranoid": ParanoidSearch, "brs": BestReplySearch}
every_tactic = pytest.mark.parametrize("tactic", TACTICS, ids=lambda tactic: tactic.name)


def one_game(run: Callable[[States, np.ndarray], SearchOutput]) -> Run:
    return lambda states: run(states, np.zeros(len(states), np.int64))


@every_tactic
@pytest.mark.parametrize(("kind", "budget"), [(GumbelSearch, GUMBEL_BUDGET), (PuctSearch, BUDGET)])
def test_tree_searches_with_equal_priors(
    kind: type[GumbelSearch] | type[PuctSearch], budget: int, tactic: Tactic
) -> None:
    board = get_board(tactic.board)
    search = kind(board, tactic.players, UniformEvaluator(tactic.players), simulations=budget, noise=False)
    assert solves(tactic, one_game(search.run))


@every_tactic
def test_descent_without_knowledge(tactic: Tactic) -> None:
    search = DescentSearch(get_board(tactic.board), tactic.players, UniformEvaluator(tactic.players), expansions=BUDGET)
    assert solves(tactic, search.run)


@every_tactic
@pytest.mark.parametrize("name", DEEPENING)
def test_depth_first_searches(name: str, tactic: Tactic) -> None:
    if (name == "minimax") != (tactic.players == 2):
        return  # minimax is for two players, the others for more
    search = DEEPENING[name](get_board(tactic.board), tactic.players, frozen_weights(), SearchLimits(depth=DEPTH))
    assert solves(tactic, search.run)


@every_tactic
def test_a_tactic_is_not_solved_by_chance(tactic: Tactic) -> None:
    """Else the tests above would say nothing: random play misses each of them most of the time."""
    missed = 0
    for seed in range(12):
        agent = make_agent("random", get_board(tactic.board), tactic.players, seed=seed)
        missed += not solves(tactic, one_game(agent.act))
    assert missed >= 6
