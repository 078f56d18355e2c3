"""The records that the kernels of the rules work on, as protocols: `state_type`, `Board.tables_type`, `workspace_type`.

What the fields mean stands beside the dtypes.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ringrift.kernels.types import I16, I32, Record, Records

Words = npt.NDArray[np.signedinteger[Any]]
"""Words of cells, 32 or 64 bits."""
States = Records
"""Many games."""


class State(Record, Protocol):
    """A game; an element of `state_type`."""

    cells: Words
    hand: I16
    credited: I16
    territory: I16
    markers: I16
    on_board: I16
    controlled: I16
    lost_turn: I16
    turn: int
    ply: int
    trail: I16
    must_move: int
    capturer: int
    slide_to: int
    lps_round: int
    lps_count: int
    lps_first: int
    lps_seen: int
    lps_able: int
    lps_exclusive: int
    lps_player: int
    players: int
    player: int
    phase: int
    owed: int
    changed: int
    recovered: int
    winner: int
    reason: int
    swap: int


class BoardTables(Record, Protocol):
    """A board; an element of `Board.tables_type`."""

    step: I16
    axis_step: I16
    position: I16
    cell: I16
    row_mask: I32
    line_length: I16
    elimination_goal: I16
    territory_goal: I16
    rings: int
    king_borders: int


class Workspace(Record, Protocol):
    """Scratch memory of a thread; an element of `workspace_type`."""

    markers: I32
    stacks: I32
    buried: I32
    open: I32
    free: I32
    rest: I32
    region: I32
    border: I32
    actions: I32
