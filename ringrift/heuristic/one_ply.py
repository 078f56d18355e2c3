"""The heuristic one action ahead, and the evaluator of searches and players."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ringrift.game.boards import MAX_PLAYERS, Board
from ringrift.game.state import state_type, thread_workspace
from ringrift.game.turn import play_forced, step
from ringrift.game.types import BoardTables, State, States, Workspace
from ringrift.heuristic.evaluation import evaluate, score_changed
from ringrift.heuristic.features import Scratch, new_scratch
from ringrift.heuristic.weights import Weights
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import F32, F64, I32, I64
from ringrift.one_ply import SHARPNESS, OnePlyEvaluator


class HeuristicLeaves(NamedTuple):
    """The memory with which a compiled search evaluates its leaves by the heuristic; one for each thread."""

    weights: F64
    scratch: Scratch
    trial: States
    """`[1]`, room to play in."""
    scores: F32
    """`[MAX_PLAYERS]`, room for the scores of a position."""


def new_leaves(board: Board, weights: Weights) -> HeuristicLeaves:
    """Return the memory of a thread."""
    trial = np.empty(1, state_type(board))
    return HeuristicLeaves(weights, new_scratch(board), trial, np.empty(MAX_PLAYERS, np.float32))


@compiled
def score_position(
    memory: HeuristicLeaves,
    state: State,
    actions: I32,
    board: BoardTables,
    work: Workspace,
    logits: F32,
    values: F32,
) -> None:
    """Evaluate a position into `values` `[players]`, and its legal `actions` into `logits`.

    Every action is played on a copy, with all forced actions after it, and scored for the player who chooses it.
    """
    weights, scratch, scores, trial = memory.weights, memory.scratch, memory.scores, memory.trial
    evaluate(state, board, weights, scratch, scores)
    for seat in range(len(values)):
        values[seat] = scores[seat]
    seat = state.player - 1
    for i in range(len(actions)):
        trial[0] = state
        step(trial[0], actions[i], board, work)
        play_forced(trial[0], board, work)
        score_changed(state, trial[0], board, weights, scratch, scores)
        logits[i] = SHARPNESS * scores[seat]


@compiled
def score_positions(
    memory: HeuristicLeaves,
    states: States,
    offsets: I64,
    actions: I32,
    first: int,
    last: int,
    board: BoardTables,
    work: Workspace,
    logits: F32,
    values: F32,
) -> None:
    """Evaluate the positions `first` … `last`−1 into `values` `[N, players]`, and their legal actions into `logits`."""
    for row in range(first, last):
        start, end = offsets[row], offsets[row + 1]
        score_position(memory, states[row], actions[start:end], board, work, logits[start:end], values[row])


class HeuristicEvaluator(OnePlyEvaluator):
    """An evaluator by the heuristic: scores one ply ahead as logits, the evaluation as values."""

    def __init__(self, board: Board, players: int, weights: Weights, *, threads: int | None = None) -> None:
        """Make an evaluator with the weights of `load_weights`."""
        super().__init__(board, players, threads=threads)
        self.weights = weights

    def score(
        self, states: States, offsets: I64, actions: I32, first: int, last: int, logits: F32, values: F32
    ) -> None:
        """Write logits and values of the positions `first` … `last`−1."""
        memory, work = new_leaves(self.board, self.weights), thread_workspace(self.board)
        score_positions(memory, states, offsets, actions, first, last, self.board.tables, work, logits, values)

    def leaf_memory(self, states: States, *, alone: bool) -> HeuristicLeaves:
        """Return what a thread of a compiled search needs to evaluate its leaves."""
        return new_leaves(self.board, self.weights)
