"""Batches of positions as the inputs that they set: what a network is trained on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ringrift.game.boards import Board
from ringrift.game.types import BoardTables, States
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import F32, I32, I64
from ringrift.nnue.evaluation import score_from_scratch, stage_of
from ringrift.nnue.inputs import list_position, seen_row
from ringrift.nnue.layout import (
    CELL_ROWS,
    COUNT_SLOTS,
    ROWS_OF_A_CELL,
    Accumulators,
    Network,
    new_accumulators,
)


class InputBatch(NamedTuple):
    """The inputs of positions, B of them: rows that are set, in a row."""

    rows: I32
    """`[N]`."""
    offsets: I32
    """`[B × players]`, where the rows of every seat begin."""
    stages: I64
    """`[B]`."""


@compiled
def write_inputs(
    states: States, chosen: I64, images: I32, board: BoardTables, inputs: I32, rows: I32, offsets: I32, stages: I64
) -> int:
    """Write the inputs of `states[chosen]`, cells moved to their `images` `[B, cells]`; return how many rows."""
    cells = images.shape[1]
    total = 0
    for i in range(len(chosen)):
        state = states[chosen[i]]
        players = state.players
        count = list_position(state, board, inputs)
        stages[i] = stage_of(state, board)
        for seat in range(players):
            offsets[i * players + seat] = total
            for k in range(count):
                row = seen_row(inputs, k, seat, players)
                cell = row // CELL_ROWS
                if cell < cells:
                    row += (images[i, cell] - cell) * CELL_ROWS
                rows[total] = row
                total += 1
    return total


@compiled
def score_states(network: Network, accumulators: Accumulators, states: States, board: BoardTables, scores: F32) -> None:
    """Write the scores of positions into `scores` `[N, MAX_PLAYERS]`."""
    for i in range(len(states)):
        score_from_scratch(network, accumulators, states[i], board, scores[i])


def input_batch(board: Board, players: int, states: States, chosen: I64, symmetry: I64) -> InputBatch:
    """Return the inputs of `states[chosen]`, each turned by the symmetry of that number `[B]`."""
    images = np.stack(board.symmetries)[symmetry]
    most = ROWS_OF_A_CELL * board.cells + COUNT_SLOTS
    rows = np.empty(len(chosen) * players * most, np.int32)
    offsets = np.empty(len(chosen) * players, np.int32)
    stages = np.empty(len(chosen), np.int64)
    inputs = np.empty((most, 3), np.int32)
    count = write_inputs(states, chosen, images, board.tables, inputs, rows, offsets, stages)
    return InputBatch(rows[:count], offsets, stages)


def network_scores(board: Board, players: int, network: Network, states: States) -> F32:
    """Return the scores `[N, players]` that the integer network gives to positions."""
    scores = np.zeros((len(states), 4), np.float32)
    score_states(network, new_accumulators(board, 1), states, board.tables, scores)
    return scores[:, :players]
