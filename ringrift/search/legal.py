"""The legal actions of many positions as one ragged list."""

from __future__ import annotations

from typing import Any

import numpy as np

from ringrift.game.compiled import compiled
from ringrift.game.turn import legal_actions


@compiled
def list_legal(states: Any, board: Any, work: Any) -> tuple[Any, Any]:
    """Offsets `[states + 1]` (int64) and the legal actions of all states, `[L]` (int32)."""
    offsets = np.zeros(len(states) + 1, np.int64)
    actions = np.empty(32 * len(states) + len(work.actions), np.int32)
    for row in range(len(states)):
        used = offsets[row]
        if used + len(work.actions) > len(actions):
            longer = np.empty(2 * len(actions), np.int32)
            longer[:used] = actions[:used]
            actions = longer
        offsets[row + 1] = used + legal_actions(states[row], board, work, actions[used:])
    return offsets, actions[: offsets[-1]]
