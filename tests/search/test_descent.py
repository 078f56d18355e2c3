"""Descent: it solves what can be solved, and its output depends on each position alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from ringrift.game import get_board
from ringrift.search import DescentSearch
from ringrift.search.tree import SOLVED
from tests.search import trees
from tests.search.parts import HashedEvaluator, positions

TREES = 40


def won_trees() -> Any:
    """Random trees whose games are all won or lost."""
    table = trees.grow(9, TREES, depth=4)
    table["worth"] = np.where(table["worth"] >= 0, 1, -1)
    return table


def winner(table: Any, node: int) -> int:
    """Who wins from a node by best play, 1 or −1 for seat 1, by plain minimax."""
    children = [child for child in table[node]["children"] if child >= 0]
    if not children:
        return int(table[node]["worth"])
    outcomes = [winner(table, child) for child in children]
    return max(outcomes) if table[node]["player"] == 1 else min(outcomes)


def test_small_trees_are_solved_as_by_minimax() -> None:
    table = won_trees()
    search = DescentSearch(trees.adapter(table), 2, trees.TableEvaluator(table), expansions=300)
    output = search.run(trees.positions(table, np.arange(TREES)))
    assert (search.trees.nodes["kind"][:, 0] == SOLVED).all()
    expected = [winner(table, root) for root in range(TREES)]
    assert len(set(expected)) == 2
    assert np.sign(output.root_values[:, 0]).tolist() == expected
    assert output.root_values[:, 1].tolist() == (-output.root_values[:, 0]).tolist()
    for root, action in enumerate(output.chosen_actions.tolist()):
        assert winner(table, table[root]["children"][action]) == expected[root], "the chosen action keeps a win"


def test_the_output_depends_on_each_position_alone() -> None:
    board = get_board("hex8")
    states = positions("hex8", 2, 20, 60)

    def run(batch: Any, threads: int) -> Any:
        return DescentSearch(board, 2, HashedEvaluator(2), expansions=30, threads=threads).run(batch)

    together, alone = run(states, 2), run(states[5:6], 1)
    assert run(states, 1).root_values.tobytes() == together.root_values.tobytes()
    assert alone.chosen_actions[0] == together.chosen_actions[5]
    assert alone.policy_probs.tobytes() == together.policy_probs[slice(*together.policy_offsets[5:7])].tobytes()
    for game in range(len(states)):
        mine = slice(*together.policy_offsets[game : game + 2])
        assert together.visits[mine].sum() <= 29, "the root is the first of the 30 nodes"
        assert np.isclose(together.policy_probs[mine].sum(), 1)
