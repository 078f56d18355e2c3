"""The rules of RingRift: the only implementation, exact and compiled.

People use `Game`; searches and self-play use the kernels `legal_actions` and `step` on arrays of states. Boards,
configs and errors are there at once; what is compiled is imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringrift.deferred import deferred
from ringrift.errors import RingRiftError
from ringrift.game.boards import BOARDS, Board, configs, get_board, parse_config
from ringrift.game.errors import BadPosition, BadRecord, IllegalAction, UnknownConfig

if TYPE_CHECKING:
    from ringrift.game.actions import policy_size, transform_actions
    from ringrift.game.game import Game, Result
    from ringrift.game.state import new_states, new_workspace, state_hash, state_type
    from ringrift.game.turn import legal_actions, step
else:
    __getattr__ = deferred(
        __name__,
        {
            "actions": ("policy_size", "transform_actions"),
            "game": ("Game", "Result"),
            "state": ("new_states", "new_workspace", "state_hash", "state_type"),
            "turn": ("legal_actions", "step"),
        },
    )

__all__ = [
    "BOARDS",
    "BadPosition",
    "BadRecord",
    "Board",
    "Game",
    "IllegalAction",
    "Result",
    "RingRiftError",
    "UnknownConfig",
    "configs",
    "get_board",
    "legal_actions",
    "new_states",
    "new_workspace",
    "parse_config",
    "policy_size",
    "state_hash",
    "state_type",
    "step",
    "transform_actions",
]
