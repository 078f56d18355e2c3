"""Evaluators as kernels: how a compiled search evaluates a leaf, by the type of the evaluator's memory.

A search that asks Python for every evaluation pays for that once a simulation, a price that many games share but one
has to pay alone. Where the evaluator has a kernel, all simulations of a game run in one call. The numbers are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numba import types
from numba.extending import overload

from ringrift.game.types import BoardTables, Workspace
from ringrift.heuristic.one_ply import HeuristicLeaves, score_position
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import I32
from ringrift.search.cache import CachedLeaves, hash_image, look_up, store
from ringrift.search.evaluators import UniformLeaves
from ringrift.search.game_adapter import GameTables, GameWorkspace
from ringrift.search.tree import NONE, EvaluatorOutput, Trees

Kernel = Callable[..., None]
LeafMemory = Any
"""A named tuple that an evaluator's `leaf_memory` returns."""


def evaluate_leaf(
    memory: LeafMemory,
    trees: Trees,
    game: int,
    leaf: int,
    actions: I32,
    board: GameTables,
    work: GameWorkspace,
    output: EvaluatorOutput,
) -> None:
    """Evaluate a node, whose legal actions are `actions`, into the only row of `output`."""
    raise NotImplementedError("this is for compiled code")


@compiled
def evaluate_by_nothing(
    memory: UniformLeaves,
    trees: Trees,
    game: int,
    leaf: int,
    actions: I32,
    board: GameTables,
    work: GameWorkspace,
    output: EvaluatorOutput,
) -> None:
    """Give every action the same logit, and every player the value 0."""
    for i in range(len(actions)):
        output.logits[i] = 0
    for seat in range(output.values.shape[1]):
        output.values[0, seat] = 0


@compiled
def evaluate_by_heuristic(
    memory: HeuristicLeaves,
    trees: Trees,
    game: int,
    leaf: int,
    actions: I32,
    board: BoardTables,
    work: Workspace,
    output: EvaluatorOutput,
) -> None:
    """Evaluate a node by the heuristic one action ahead."""
    score_position(memory, trees.states[game, leaf], actions, board, work, output.logits, output.values[0])


@compiled
def evaluate_by_cache(
    memory: CachedLeaves,
    trees: Trees,
    game: int,
    leaf: int,
    actions: I32,
    board: GameTables,
    work: GameWorkspace,
    output: EvaluatorOutput,
) -> None:
    """Look a node up in the cache, and evaluate it by the evaluator behind that where it is not there."""
    memory.keys[0] = hash_image(memory.images[game], leaf)
    memory.counts[0] += 1
    if look_up(memory.entries, memory.keys, output.offsets, output.logits, output.values, memory.missing) == 0:
        memory.counts[1] += 1
        return
    evaluate_leaf(memory.behind, trees, game, leaf, actions, board, work, output)
    new = output.offsets, output.logits, output.values
    store(memory.entries, memory.keys, memory.missing, output.offsets, new, output.logits, output.values)


_KERNELS: Final[dict[type, Kernel]] = {
    UniformLeaves: evaluate_by_nothing,
    HeuristicLeaves: evaluate_by_heuristic,
    CachedLeaves: evaluate_by_cache,
}


# Sees numba's types of the arguments. Not strict: annotations would have to agree with the lambda.
@overload(evaluate_leaf, strict=False)
def _evaluate_leaf(
    memory: Any,
    trees: types.Type,
    game: types.Type,
    leaf: types.Type,
    actions: types.Type,
    board: types.Type,
    work: types.Type,
    output: types.Type,
) -> Kernel:
    kernel = _KERNELS[memory.instance_class]
    return lambda memory, trees, game, leaf, actions, board, work, output: kernel(
        memory, trees, game, leaf, actions, board, work, output
    )


def one_row_output(players: int, max_actions: int) -> EvaluatorOutput:
    """Return an output with room for one leaf."""
    return EvaluatorOutput(np.zeros(2, np.int64), np.empty(max_actions, np.float32), np.empty((1, players), np.float32))


@compiled
def evaluate_queued_leaf(
    memory: LeafMemory,
    trees: Trees,
    game: int,
    board: GameTables,
    work: GameWorkspace,
    actions: I32,
    output: EvaluatorOutput,
) -> None:
    """Evaluate the leaf of a game into the only row of `output`, if it needs that; `actions` is scratch memory."""
    leaf = trees.leaves[game]
    if leaf == NONE or trees.rows[game] == NONE:
        return
    first, count = trees.nodes[game, leaf].first_edge, trees.nodes[game, leaf].edge_count
    for i in range(count):
        actions[i] = trees.edges[game, first + i].action
    output.offsets[1] = count
    evaluate_leaf(memory, trees, game, leaf, actions[:count], board, work, output)
