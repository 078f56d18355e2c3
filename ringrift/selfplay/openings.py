"""Random openings: the first moves of a game, drawn so that games differ from each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ringrift.errors import RingRiftError
from ringrift.game import Board, new_states, new_workspace
from ringrift.game.state import GAME_OVER
from ringrift.game.turn import legal_actions, step
from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import random_below

ATTEMPTS: Final = 100
"""The number of times that an opening is drawn anew because the game ended in it."""


class BadOpening(RingRiftError):
    """An opening that leaves nothing to play."""


@dataclass(frozen=True, eq=False)
class Opening:
    """The first actions of a game and the position that they lead to, where a player has a choice."""

    state: npt.NDArray[np.void]
    """`[1]`, the position."""
    actions: npt.NDArray[np.int32]
    """`[actions]`, the actions that lead there."""

    @property
    def plies(self) -> int:
        """The length of the opening in moves."""
        return int(self.state["ply"][0])


@compiled
def draw_actions(
    state: Any, plies: int, seed: np.uint64, stream: int, first: int, kept: Any, board: Any, work: Any
) -> int:
    """Play random actions until `plies` moves are made and a player has a choice; return their number, −1 at an end."""
    count = legal_actions(state, board, work, work.actions)
    played = 0
    while state.ply < plies or count == 1:
        if played == len(kept):
            return -1
        kept[played] = work.actions[random_below(seed, stream, first + played, count)]
        step(state, kept[played], board, work)
        played += 1
        if state.phase == GAME_OVER:
            return -1
        count = legal_actions(state, board, work, work.actions)
    return played


class Openings:
    """Random openings that depend on `seed`, their own number and their length alone."""

    def __init__(self, board: Board, players: int, *, max_moves: int, seed: int) -> None:
        """Make openings that stay below `max_moves`, the limit of the games."""
        self.board = board
        self.players = players
        self.max_moves = max_moves
        self.seed = np.uint64(seed)
        self.work = new_workspace(board)

    def draw(self, number: int, plies: int) -> Opening:
        """Draw an opening of `plies` moves, forced ones included, and as many more as are forced then.

        `BadOpening` if games end in openings as long as that, or are stopped.
        """
        kept = np.empty(4 * plies + 100, np.int32)  # a recovery is up to three actions; the rest is for forced ones
        for attempt in range(ATTEMPTS):
            state = new_states(self.board, self.players)
            first = attempt * len(kept)
            length = draw_actions(state[0], plies, self.seed, number, first, kept, self.board.tables, self.work)
            if length >= 0:
                opening = Opening(state, kept[:length].copy())
                if opening.plies >= self.max_moves:
                    raise BadOpening(
                        f"an opening of {opening.plies} plies leaves nothing to play: "
                        f"games stop at {self.max_moves} moves"
                    )
                return opening
        raise BadOpening(f"random openings of {plies} plies end the game on {self.board.name}: choose shorter ones")
