"""The evaluator of tree searches by an integer network: its values, and as priors what each action leads to."""

from __future__ import annotations

import numpy as np

from ringrift.encoding.values import outcome_values
from ringrift.game.boards import Board
from ringrift.game.state import GAME_OVER, state_type, thread_workspace
from ringrift.game.turn import play_forced, step
from ringrift.game.types import BoardTables, States, Workspace
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import F32, I32, I64
from ringrift.nnue.evaluation import WON, refresh, score_level, update
from ringrift.nnue.layout import Accumulators, Network, new_accumulators
from ringrift.one_ply import SHARPNESS, OnePlyEvaluator


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


class NnueEvaluator(OnePlyEvaluator):
    """An evaluator by an integer network: scores one ply ahead as logits, the network's values as values."""

    def __init__(self, board: Board, players: int, network: Network, *, threads: int | None = None) -> None:
        """Make an evaluator with the network of `read_network`."""
        super().__init__(board, players, threads=threads)
        self.network = network

    def score(
        self, states: States, offsets: I64, actions: I32, first: int, last: int, logits: F32, values: F32
    ) -> None:
        """Write logits and values of the positions `first` … `last`−1."""
        board = self.board
        stack = np.empty(2, state_type(board))
        batch = (states, offsets, actions, first, last, board.tables, self.network)
        score_actions(*batch, new_accumulators(board, 2), thread_workspace(board), stack, logits, values)
