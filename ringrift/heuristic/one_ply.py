"""The heuristic one action ahead, and the evaluator of searches and players."""

from __future__ import annotations

import numpy as np

from ringrift.game.boards import MAX_PLAYERS, Board
from ringrift.game.state import state_type, thread_workspace
from ringrift.game.turn import play_forced, step
from ringrift.game.types import BoardTables, States, Workspace
from ringrift.heuristic.evaluation import evaluate, score
from ringrift.heuristic.features import Scratch, new_scratch
from ringrift.heuristic.weights import Weights
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import F32, F64, I32, I64
from ringrift.one_ply import SHARPNESS, OnePlyEvaluator


@compiled
def score_actions(
    states: States,
    offsets: I64,
    actions: I32,
    first: int,
    last: int,
    board: BoardTables,
    weights: F64,
    work: Workspace,
    scratch: Scratch,
    trial: States,
    scores: F32,
    logits: F32,
    values: F32,
) -> None:
    """Evaluate the positions `first` … `last`−1 into `values` `[N, players]`, and their legal actions into `logits`.

    Every action is played on a copy, in `trial` `[1]`, with all forced actions after it, and scored for the player who
    chooses it.
    """
    for row in range(first, last):
        evaluate(states[row], board, weights, scratch, scores)
        for seat in range(values.shape[1]):
            values[row, seat] = scores[seat]
        seat = states[row].player - 1
        for i in range(offsets[row], offsets[row + 1]):
            trial[0] = states[row]
            step(trial[0], actions[i], board, work)
            play_forced(trial[0], board, work)
            score(trial[0], board, weights, scratch, scores)
            logits[i] = SHARPNESS * scores[seat]


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
        board = self.board
        trial = np.empty(1, state_type(board))
        scores = np.empty(MAX_PLAYERS, np.float32)
        batch = (states, offsets, actions, first, last, board.tables, self.weights)
        score_actions(*batch, thread_workspace(board), new_scratch(board), trial, scores, logits, values)
