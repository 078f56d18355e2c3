"""The heuristic one action ahead, and the evaluator of searches and players."""

from __future__ import annotations

from typing import Final

import numpy as np

from ringrift.game.boards import MAX_PLAYERS, Board
from ringrift.game.state import state_type, thread_workspace
from ringrift.game.turn import play_forced, step
from ringrift.game.types import BoardTables, States, Workspace
from ringrift.heuristic.evaluation import evaluate, score
from ringrift.heuristic.features import Scratch, new_scratch
from ringrift.heuristic.weights import Weights
from ringrift.kernels.compiled import compiled
from ringrift.kernels.threads import share_out
from ringrift.kernels.types import F32, F64, I32, I64

SHARPNESS: Final = 4.0
"""The factor that turns scores into logits."""
ACTIONS_PER_THREAD: Final = 128
"""Starting a thread takes about as long as scoring that many actions on a small board."""


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


class HeuristicEvaluator:
    """An evaluator by the heuristic: scores one ply ahead as logits, the evaluation as values."""

    def __init__(self, board: Board, players: int, weights: Weights, *, threads: int | None = None) -> None:
        """Make an evaluator with the weights of `load_weights`."""
        self.board = board
        self.players = players
        self.weights = weights
        self.threads = threads

    def __call__(self, states: States, offsets: I64, actions: I32) -> tuple[F32, F32]:
        """Evaluate positions `[batch]`.

        `actions` `[L]` are their legal actions, those of position i at `offsets[i]` … `offsets[i + 1]`−1. Returns
        logits `[L]` and values `[batch, players]` by seat, −1 … 1. The number of threads changes nothing.
        """
        board = self.board
        states = np.ascontiguousarray(states)  # one layout, so that the kernel is compiled once
        logits = np.empty(len(actions), np.float32)
        values = np.empty((len(states), self.players), np.float32)

        def run(first: int, last: int) -> None:
            trial = np.empty(1, state_type(board))
            scores = np.empty(MAX_PLAYERS, np.float32)
            batch = (states, offsets, actions, first, last, board.tables, self.weights)
            score_actions(*batch, thread_workspace(board), new_scratch(board), trial, scores, logits, values)

        grain = max(1, ACTIONS_PER_THREAD * len(states) // max(1, len(actions)))
        share_out(len(states), run, threads=self.threads, grain=grain)
        return logits, values
