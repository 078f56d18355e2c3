"""The inputs and the sizes of the integer network: the one place that lists them.

An input is a row of the first layer. Every row is one fact about a position, seen by one player: what stands on a cell,
with colours counted from that player on, or a count. So the same weights serve every seat.

The rows of a cell, for every player counted from the one who looks (`KINDS` each):

    0 … 11   a stack of that player, by height and cap (`SHAPES`)
    12       a marker
    13       a collapsed cell
    14 … 16  1, 2, 3 or more rings of the player below the cap of a stack, whoever controls it

After the cells come the rows of what a state counts: `HAND`, `CREDITED`, `TERRITORY` for every player, then the player
to act with the phase, what is owed, and the exclusive rounds.
"""

from __future__ import annotations

from functools import cache
from typing import Final, Protocol

import numpy as np

from ringrift.game.boards import LPS_ROUNDS, MAX_PLAYERS, Board
from ringrift.kernels.types import F32, I16, I32, U8, Record

VERSION: Final = 1
"""The version of inputs, sizes and file format; a network of another one is refused."""

HIDDEN: Final = 128
"""Neurons of the first layer for each perspective."""
DENSE: Final = 16
"""Neurons of the second layer."""
STAGES: Final = 4
"""Sets of weights behind the first layer, by the share of all rings that has left the hands."""

UNIT: Final = 256
"""The integer that stands for 1, in weights and in activations; activations are clipped to 0 … `UNIT` − 1."""
UNIT_BITS: Final = 8

# Rows of a cell
MARKER: Final = 12
COLLAPSED_CELL: Final = 13
BURIED: Final = 14
MOST_BURIED: Final = 3
KINDS: Final = 17
CELL_ROWS: Final = MAX_PLAYERS * KINDS

# Rows of counts
HAND_STEPS: Final = 24
CREDITED_STEPS: Final = 24
TERRITORY_STEPS: Final = 32
HAND: Final = 0
CREDITED: Final = HAND + HAND_STEPS + 1
TERRITORY: Final = CREDITED + CREDITED_STEPS + 1
COUNTS: Final = TERRITORY + TERRITORY_STEPS + 1
PHASES: Final = 8
TURN: Final = MAX_PLAYERS * COUNTS
OWED: Final = TURN + MAX_PLAYERS * PHASES
DEBTS: Final = 5
EXCLUSIVE: Final = OWED + DEBTS
COUNT_ROWS: Final = EXCLUSIVE + MAX_PLAYERS * (LPS_ROUNDS + 1)
COUNT_SLOTS: Final = 3 * MAX_PLAYERS + 3
"""Counts of a state, each of which has one row at a time: three for every player, the turn, the debt, the rounds."""

ROWS_OF_A_CELL: Final = 1 + MAX_PLAYERS
"""Rows of a cell that can be set at once: what stands there, and the buried rings of every player."""


LAYERS: Final = ("features", "bias", "dense", "dense_bias", "output")
"""The fields of a network's record, in order."""


def feature_count(board: Board) -> int:
    """Return the number of inputs, F."""
    return board.cells * CELL_ROWS + COUNT_ROWS


@cache
def network_type(board: Board) -> np.dtype[np.void]:
    """Return the structured dtype of the weights: all are integers in units of 1 / `UNIT`."""
    return np.dtype(
        [
            ("features", np.int16, (feature_count(board), HIDDEN)),
            ("bias", np.int16, (HIDDEN,)),
            ("dense", np.int16, (STAGES, DENSE + 1, HIDDEN)),  # the last row leads straight to the output
            ("dense_bias", np.int16, (STAGES, DENSE + 1)),
            ("output", np.int16, (STAGES, DENSE)),
        ],
        align=True,
    )


@cache
def accumulators_type(board: Board, levels: int) -> np.dtype[np.void]:
    """Return the structured dtype of the first layer's sums of a thread, for as many positions as lie on a stack."""
    most_rows = ROWS_OF_A_CELL * board.cells + COUNT_SLOTS
    return np.dtype(
        [
            ("sums", np.int16, (levels, MAX_PLAYERS, HIDDEN)),
            ("is_current", np.uint8, (levels,)),  # whether the sums are those of the position at that level
            # What one update changes: first row, seat from 1 or 0 for none, and rows from one seat to the next
            ("removed", np.int32, (most_rows, 3)),
            ("added", np.int32, (most_rows, 3)),
            ("changed", np.int16, (board.cells,)),  # positions of the cells that differ
            ("scores", np.float32, (MAX_PLAYERS,)),
            ("activations", np.int16, (HIDDEN,)),
        ],
        align=True,
    )


class Network(Record, Protocol):
    """The weights of a network; an element of `network_type`."""

    features: I16
    bias: I16
    dense: I16
    dense_bias: I16
    output: I16


class Accumulators(Record, Protocol):
    """The first layer's sums of a thread; an element of `accumulators_type`."""

    sums: I16
    is_current: U8
    removed: I32
    added: I32
    changed: I16
    scores: F32
    activations: I16


def new_network(board: Board) -> Network:
    """Return a network of zeros."""
    network: Network = np.zeros(1, network_type(board))[0]
    return network


def new_accumulators(board: Board, levels: int) -> Accumulators:
    """Return a record for the kernels; every thread needs its own."""
    accumulators: Accumulators = np.zeros(1, accumulators_type(board, levels))[0]
    return accumulators
