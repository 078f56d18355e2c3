"""What the tests of the searches share: an evaluator, positions, and the check of a tree."""

from __future__ import annotations

import numpy as np
import pytest

from ringrift.game import get_board
from ringrift.game.playout import random_playouts
from ringrift.game.state import GAME_OVER
from ringrift.game.types import States
from ringrift.kernels.types import F32, I32, I64
from ringrift.search import GumbelSearch, PuctSearch
from ringrift.search.tree import CUT_OFF, OPEN, TERMINAL, UNVISITED

Search = GumbelSearch | PuctSearch


class HashedEvaluator:
    """Priors and values that look random but depend on the position alone, never on the batch."""

    def __init__(self, players: int) -> None:
        self.players = players

    def __call__(self, states: States, offsets: I64, actions: I32) -> tuple[F32, F32]:
        logits = (actions.astype(np.int64) * 7919 % 1013 / 500).astype(np.float32)
        mixed = states["cells"].astype(np.int64).sum(axis=1) * 31 + states["ply"] * 17
        values = [(mixed * (seat + 3) % 101) / 50.5 - 1 for seat in range(self.players)]
        return logits, np.stack(values, axis=1).astype(np.float32)


def positions(board: str, players: int, games: int, moves: int) -> States:
    """Positions in which somebody has to act, from random games."""
    states = random_playouts(get_board(board), players, games, seed=2, max_moves=moves).states
    return states[states["phase"] != GAME_OVER]


def check_tree(search: Search, game: int) -> None:
    """Visits are conserved, values are sums over subtrees, and children lie where their edges say."""
    trees = search.trees
    nodes, edges = trees.nodes[game], trees.edges[game]
    total = {node: nodes[node]["raw_value"].astype(float) for node in range(trees.used_nodes[game])}
    for node in range(trees.used_nodes[game] - 1, -1, -1):
        row = nodes[node]
        mine = edges[row["first_edge"] : row["first_edge"] + row["edge_count"]]
        if row["kind"] == OPEN:
            assert row["visits"] == 1 + mine["visits"].sum()
            assert np.exp(mine["logit"]).sum() == pytest.approx(1, abs=1e-4)
            for index, edge in enumerate(mine):
                assert (edge["child"] == UNVISITED) == (edge["visits"] == 0)
                if edge["child"] != UNVISITED:
                    child = nodes[edge["child"]]
                    assert (child["parent"], child["parent_edge"]) == (node, index)
                    assert child["visits"] == edge["visits"]
                    assert edge["value_sum"] == pytest.approx(total[int(edge["child"])], abs=1e-3)
                    total[node] = total[node] + edge["value_sum"]
        else:
            assert row["kind"] in (TERMINAL, CUT_OFF)
            total[node] = row["raw_value"].astype(float) * row["visits"]
