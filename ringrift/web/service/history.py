"""The facts of a position that only its history has: the turn under way, and the rounds of last player standing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from threading import Lock
from typing import Final

import numpy as np
import orjson

from ringrift.errors import RingRiftError
from ringrift.game import Board, new_states
from ringrift.game.notation import Notation
from ringrift.game.state import GAME_OVER, OWES_EXTRACTION, OWES_RECOVERY_LINE, thread_workspace
from ringrift.game.turn import legal_actions, step
from ringrift.game.types import States
from ringrift.web.service.game_state import Move

FIRST_OF_A_TURN: Final = frozenset({"place_ring", "skip_placement", "no_placement_action"})
MOVEMENTS: Final = frozenset({"move_stack", "overtaking_capture", "continue_capture_segment"})
UNCHANGING: Final = frozenset(
    {
        *("skip_placement", "skip_capture", "skip_recovery", "skip_territory_processing"),
        *("no_placement_action", "no_movement_action", "no_line_action", "no_territory_action"),
    }
)
"""The moves that leave the board as it is."""
LINES: Final = frozenset({"process_line", "choose_line_option"})
REGIONS: Final = frozenset({"choose_territory_option", "process_territory_region"})
KEPT: Final = 1024
"""The positions that are cached: a game's next request goes on from its last."""


def turn_of(history: Sequence[Move], player: int, *, begins: bool) -> list[Move]:
    """Return the moves of the turn under way; `begins` says that the turn is in its first phase."""
    turn: list[Move] = []
    for move in reversed(history):
        kind = move.get("type")
        if move.get("player") != player or (begins and kind != "swap_sides"):
            break
        if kind != "swap_sides" and turn and turn[-1].get("type") in FIRST_OF_A_TURN:
            break
        turn.append(move)
    return turn[::-1]


class Histories:
    """Positions by the moves that lead to them, the latest ones kept; any thread may ask."""

    def __init__(self, most: int = KEPT) -> None:
        """Keep up to `most` positions."""
        self._most = most
        self._kept: OrderedDict[bytes, States] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def clear(self) -> int:
        """Drop all positions, and return their number."""
        with self._lock:
            count = len(self._kept)
            self._kept.clear()
        return count

    def replay(self, board: Board, players: int, moves: Sequence[Move], *, swap_rule: bool) -> States | None:
        """Return the position `[1]` after the moves from the standard start; None if they cannot all be played."""
        try:
            names = _prefix_names(f"{board.name}_{players}p {swap_rule}", moves)
        except orjson.JSONEncodeError:  # nested too deep, or a number that is too large, as no move has
            return None
        states, done = self._longest(names)
        if states is None:
            states = new_states(board, players, swap_rule=swap_rule)
        try:
            for move in moves[done:]:
                if not _play(board, states, move):
                    return None
        except RingRiftError:
            return None
        if names:
            self._keep(names[-1], states)
        return states.copy()

    def _longest(self, names: Sequence[bytes]) -> tuple[States | None, int]:
        """Return the position after the longest beginning that is known, and the number of its moves."""
        with self._lock:
            for done in range(len(names), 0, -1):
                if (states := self._kept.get(names[done - 1])) is not None:
                    return states.copy(), done
        return None, 0

    def _keep(self, name: bytes, states: States) -> None:
        with self._lock:
            self._kept[name] = states.copy()
            self._kept.move_to_end(name)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


def _prefix_names(start: str, moves: Sequence[Move]) -> list[bytes]:
    """Return a name for every beginning of a history."""
    digest = blake2b(start.encode(), digest_size=16)
    names = []
    for move in moves:
        digest.update(orjson.dumps(move, option=orjson.OPT_SORT_KEYS))
        names.append(digest.digest())
    return names


def _play(board: Board, states: States, move: Move) -> bool:
    """Play a canonical move, a recovery with all its decisions; return whether that could be done."""
    state, work = states[0], thread_workspace(board)
    legal = np.empty(board.max_actions, np.int32)
    while state["phase"] != GAME_OVER and move.get("player") == state["player"]:
        action = Notation(board, state, work).action(move)
        count = legal_actions(state, board.tables, work, legal)
        if action not in legal[:count]:
            return False
        step(state, action, board.tables, work)
        if state["owed"] not in (OWES_RECOVERY_LINE, OWES_EXTRACTION):
            return True
    return False
