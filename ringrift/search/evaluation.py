"""What judges the positions of the depth-first searches: the heuristic, or an integer network; one contract for both.

A search tells an evaluation of every position that it makes on its stack (`note_made`), and asks for the values of
positions (`evaluate_made`), each with the level of the one that it was made from. The heuristic looks at the position
alone. The network brings the sums of its first layer up to date, from level to level. To take an action back is to go
down the stack, which an evaluation need not be told.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ringrift.game.boards import Board
from ringrift.game.types import BoardTables, States
from ringrift.heuristic import FEATURE_COUNT, Weights, evaluate, new_scratch
from ringrift.heuristic.features import Scratch
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import F32, F64
from ringrift.nnue import Accumulators, Network, new_accumulators, new_network
from ringrift.nnue.evaluation import evaluate_made as evaluate_by_network
from ringrift.nnue.evaluation import forget


class Evaluation(NamedTuple):
    """The evaluation of one thread's searches, as kernels take it: which one it is, and what each needs."""

    uses_network: bool
    weights: F64
    scratch: Scratch
    network: Network
    accumulators: Accumulators


def new_evaluation(board: Board, weights: Weights | Network, levels: int) -> Evaluation:
    """Return an evaluation by the weights of the heuristic or of a network, for a stack of so many levels."""
    memory = new_scratch(board), new_accumulators(board, levels)
    if isinstance(weights, np.ndarray):
        return Evaluation(False, weights, memory[0], new_network(board), memory[1])
    return Evaluation(True, np.zeros(FEATURE_COUNT), memory[0], weights, memory[1])


@compiled
def note_made(evaluation: Evaluation, level: int) -> None:
    """Note that another position has been made at a level of the stack."""
    forget(evaluation.accumulators, level)


@compiled
def evaluate_made(
    evaluation: Evaluation, states: States, level: int, parent: int, board: BoardTables, values: F32
) -> None:
    """Write the value of the position at a level for every seat, −1 … 1, into `values` `[MAX_PLAYERS]` (float32).

    It was made from the position at the level `parent` of the stack. A finished game has its exact outcome.
    """
    if evaluation.uses_network:
        evaluate_by_network(evaluation.network, evaluation.accumulators, states, level, parent, board, values)
    else:
        evaluate(states[level], board, evaluation.weights, evaluation.scratch, values)
