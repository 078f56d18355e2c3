"""The legal actions of many positions as one ragged list."""

from __future__ import annotations

import numpy as np

from ringrift.game.turn import legal_actions
from ringrift.game.types import BoardTables, States, Workspace
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import I32, I64


@compiled
def write_legal(states: States, board: BoardTables, work: Workspace, row: int, offsets: I64, actions: I32) -> int:
    """Write the legal actions of `states[row …]` while there is room for the most that a state can have.

    Returns the row to go on with.
    """
    while row < len(states) and offsets[row] + len(work.actions) <= len(actions):
        offsets[row + 1] = offsets[row] + legal_actions(states[row], board, work, actions[offsets[row] :])
        row += 1
    return row


def list_legal(states: States, board: BoardTables, work: Workspace) -> tuple[I64, I32]:
    """Return offsets `[states + 1]` and the legal actions of all states, `[L]`."""
    offsets = np.zeros(len(states) + 1, np.int64)
    actions = np.empty(32 * len(states) + len(work["actions"]), np.int32)
    row = write_legal(states, board, work, 0, offsets, actions)
    while row < len(states):
        actions = np.concatenate([actions, np.empty_like(actions)])
        row = write_legal(states, board, work, row, offsets, actions)
    return offsets, actions[: offsets[-1]]
