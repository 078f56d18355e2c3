"""The evaluator of tree searches by an integer network: its values, and as priors what each action leads to."""

from __future__ import annotations

from typing import Final

import numpy as np

from ringrift.encoding.values import outcome_values
from ringrift.game.boards import Board
from ringrift.game.state import GAME_OVER, state_type, thread_workspace
from ringrift.game.turn import play_forced, step
from ringrift.game.types import BoardTables, States, Workspace
from ringrift.kernels.compiled import compiled
from ringrift.kernels.threads import share_out
from ringrift.kernels.types import F32, I32, I64
from ringrift.nnue.evaluation import WON, refresh, score_level, update
from ringrift.nnue.layout import Accumulators, Network, new_accumulators

SHARPNESS: Final = 4.0
"""The factor that turns scores into logits, as for the heuristic."""
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
    network: Network,
    accumulators: Accumulators,
    work: Workspace,
    stack: States,
    logits: F32,
    values: F32,
) -> None:
    """Evaluate the positions `first` … `last`−1 into `values` `[N, players]`, and their legal actions into `logits`.

    Every action is played on `stack` `[2]`, with all forced actions after it, and scored for the player who chooses it.
    """
    scores = accumulators.scores
    for row in range(first, last):
        stack[0] = states[row]
        refresh(network, accumulators, stack[0], board, 0)
        score_level(network, accumulators, stack[0], board, 0, scores)
        for seat in range(values.shape[1]):
            values[row, seat] = np.tanh(scores[seat] / 2)
        seat = states[row].player - 1
        for i in range(offsets[row], offsets[row + 1]):
            stack[1] = stack[0]
            step(stack[1], actions[i], board, work)
            play_forced(stack[1], board, work)
            if stack[1].phase == GAME_OVER:
                outcome_values(stack[1], scores)
                logits[i] = SHARPNESS * WON * scores[seat]
            else:
                update(network, accumulators, stack, 1, 0, board)
                score_level(network, accumulators, stack[1], board, 1, scores)
                logits[i] = SHARPNESS * scores[seat]


class NnueEvaluator:
    """An evaluator by an integer network: scores one ply ahead as logits, the network's values as values."""

    def __init__(self, board: Board, players: int, network: Network, *, threads: int | None = None) -> None:
        """Make an evaluator with the network of `read_network`."""
        self.board = board
        self.players = players
        self.network = network
        self.threads = threads

    def __call__(self, states: States, offsets: I64, actions: I32) -> tuple[F32, F32]:
        """Evaluate positions `[batch]` that are not over.

        `actions` `[L]` are their legal actions, those of position i at `offsets[i]` … `offsets[i + 1]`−1. Returns
        logits `[L]` and values `[batch, players]` by seat, −1 … 1. The number of threads changes nothing.
        """
        board = self.board
        states = np.ascontiguousarray(states)  # one layout, so that the kernel is compiled once
        logits = np.empty(len(actions), np.float32)
        values = np.empty((len(states), self.players), np.float32)

        def run(first: int, last: int) -> None:
            stack = np.empty(2, state_type(board))
            batch = (states, offsets, actions, first, last, board.tables, self.network)
            score_actions(*batch, new_accumulators(board, 2), thread_workspace(board), stack, logits, values)

        grain = max(1, ACTIONS_PER_THREAD * len(states) // max(1, len(actions)))
        share_out(len(states), run, threads=self.threads, grain=grain)
        return logits, values
