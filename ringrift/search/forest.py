"""What every search over many games does alike: plant roots, let the evaluator answer, back up."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from ringrift.game.boards import Board
from ringrift.game.playout import default_threads, shared_pool
from ringrift.game.state import new_workspace
from ringrift.search.evaluators import Evaluator
from ringrift.search.found import Found, empty_found, ragged_offsets
from ringrift.search.tree import Array, back_up_leaves, gather_leaves, new_trees, plant_roots, take_evaluations

States = np.ndarray[Any, np.dtype[np.void]]


def share_out(count: int, workspaces: list[Any], run: Callable[[int, int, Any], None]) -> None:
    """Call `run(first, last, workspace)` on one thread per workspace, each with its share of 0 … `count`−1."""
    threads = len(workspaces)
    bounds = [count * thread // threads for thread in range(threads + 1)]
    spans = list(zip(bounds[:-1], bounds[1:], workspaces, strict=True))
    pool = shared_pool(threads, os.getpid())
    others = [pool.submit(run, *span) for span in spans[1:]]
    run(*spans[0])
    for other in others:
        other.result()


class Forest:
    """The trees of many games with the evaluator that feeds them; the arenas are used again by every search."""

    def __init__(
        self, board: Board, players: int, evaluator: Evaluator, *, nodes: int, threads: int | None = None
    ) -> None:
        """`nodes` per game: one more than the simulations."""
        self.board = board
        self.players = players
        self.evaluator = evaluator
        self.nodes = nodes
        self.trees = new_trees(board, players, 0, nodes)
        self.workspaces = [new_workspace(board) for _ in range(threads or default_threads())]

    @property
    def arenas(self) -> tuple[Array, Array, Array, Array, Array, Array, Array]:
        """The arrays that the kernels take first."""
        trees = self.trees
        return (
            trees.nodes,
            trees.states,
            trees.edges,
            trees.used_nodes,
            trees.used_edges,
            trees.leaves,
            trees.waiting,
        )

    def plant(self, states: States) -> None:
        """Start anew from positions `[games]` and evaluate them."""
        if len(self.trees.used_nodes) != len(states):
            self.trees = new_trees(self.board, self.players, len(states), self.nodes)
        self.trees.states[:, 0] = states
        self.for_all_games(lambda first, last, work: plant_roots(*self.arenas, first, last, self.board.tables, work))
        self.evaluate()

    def for_all_games(self, run: Callable[[int, int, Any], None]) -> None:
        """Call `run(first, last, workspace)` on all cores, each with its share of the games."""
        self.share_out(len(self.trees.used_nodes), run)

    def share_out(self, count: int, run: Callable[[int, int, Any], None]) -> None:
        """Call `run(first, last, workspace)` on all cores, each with its share of 0 … count−1."""
        share_out(count, self.workspaces, run)

    def evaluate(self) -> None:
        """Evaluate the leaves that wait for it, and back all leaves up."""
        trees = self.trees
        picked = np.flatnonzero(trees.waiting)
        if len(picked):
            offsets = ragged_offsets(trees.nodes["edges"][picked, trees.leaves[picked]])
            states = np.empty(len(picked), trees.states.dtype)
            actions = np.empty(offsets[-1], np.int32)
            arenas = (trees.nodes, trees.edges, trees.leaves, picked, offsets)
            self.share_out(
                len(picked),
                lambda first, last, _: gather_leaves(*arenas, trees.states, states, actions, first, last),
            )
            logits, values = self.evaluator(states, offsets, actions)
            self.share_out(len(picked), lambda first, last, _: take_evaluations(*arenas, logits, values, first, last))
        self.for_all_games(lambda first, last, _: back_up_leaves(trees.nodes, trees.edges, trees.leaves, first, last))

    def empty_finding(self) -> Found:
        """A `Found` of the right sizes with the legal actions of the roots, to be filled."""
        trees = self.trees
        counts = trees.nodes["edges"][:, 0]
        offsets = ragged_offsets(counts)
        actions = [trees.edges["action"][game, :count] for game, count in enumerate(counts)]
        return empty_found(offsets, np.concatenate(actions) if actions else np.empty(0, np.int32), self.players)
