"""The legal actions of many positions as one ragged list."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ringrift.game.turn import legal_actions
from ringrift.kernels.compiled import compiled


@compiled
def write_legal(states: Any, board: Any, work: Any, row: int, offsets: Any, actions: Any) -> int:
    """Write the legal actions of `states[row …]` while there is room for the most that a state can have.

    Returns the row to go on with.
    """
    while row < len(states) and offsets[row] + len(work.actions) <= len(actions):
        offsets[row + 1] = offsets[row] + legal_actions(states[row], board, work, actions[offsets[row] :])
        row += 1
    return row


def list_legal(states: Any, board: Any, work: Any) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Offsets `[states + 1]` and the legal actions of all states, `[L]`."""
    offsets = np.zeros(len(states) + 1, np.int64)
    actions = np.empty(32 * len(states) + len(work["actions"]), np.int32)
    row = write_legal(states, board, work, 0, offsets, actions)
    while row < len(states):
        actions = np.concatenate([actions, np.empty_like(actions)])
        row = write_legal(states, board, work, row, offsets, actions)
    return offsets, actions[: offsets[-1]]
