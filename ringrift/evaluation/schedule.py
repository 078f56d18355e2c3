"""Who sits where in which game of a match, and the openings that the games begin with.

Openings are *paired*: every opening is played once in every seat order, so that neither a lucky opening nor a lucky
seat can favour anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ringrift.game import Board, RingRiftError, new_states, new_workspace
from ringrift.game.compiled import compiled
from ringrift.game.rng import random_below
from ringrift.game.state import GAME_OVER
from ringrift.game.turn import legal_actions, step

ATTEMPTS: Final = 100
"""How often an opening is drawn anew because the game ended in it."""


class BadMatch(RingRiftError):
    """A match that cannot be played."""


@dataclass(frozen=True)
class Fixture:
    """One game that is to be played."""

    number: int
    """Of the game in the match; with the seed it decides all random numbers of the players."""
    opening: int
    seating: tuple[int, ...]
    """`[players]`, by seat the index of the agent."""


@dataclass(frozen=True, eq=False)
class Opening:
    """The first actions of a game and where they lead: somebody has a choice there."""

    state: npt.NDArray[np.void]
    """`[1]`"""
    actions: npt.NDArray[np.int32]
    """`[actions]`"""

    @property
    def plies(self) -> int:
        """Its length in moves."""
        return int(self.state["ply"][0])


def seatings(agents: int, players: int) -> tuple[tuple[int, ...], ...]:
    """Every way to fill the seats in which every agent has at least one.

    As many agents as seats: all their orders. Fewer: all assignments, such as AAB, ABA, ABB, BAA, BAB, BBA for two
    agents on three seats; over all of them every agent has every seat equally often.
    """
    if not 2 <= agents <= players:
        wanted = "2" if players == 2 else f"2 to {players}"
        raise BadMatch(f"a match with {players} seats needs {wanted} players, not {agents}")
    return tuple(seats for seats in product(range(agents), repeat=players) if len(set(seats)) == agents)


def fixtures(agents: int, players: int, openings: int) -> list[Fixture]:
    """The games of a match: every opening in every seating."""
    orders = seatings(agents, players)
    return [
        Fixture(opening * len(orders) + order, opening, seating)
        for opening in range(openings)
        for order, seating in enumerate(orders)
    ]


@compiled
def draw_actions(
    state: Any, plies: int, seed: np.uint64, stream: int, first: int, kept: Any, board: Any, work: Any
) -> int:
    """Play random actions until `plies` moves are made and somebody has a choice; their number, −1 if the game ends."""
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


def draw_openings(board: Board, players: int, count: int, *, plies: int, seed: int) -> list[Opening]:
    """Openings of random actions, `plies` moves long, forced actions included, and as many more as are forced there.

    An opening depends on `seed` and its own number alone.
    """
    work = new_workspace(board)
    kept = np.empty(
        4 * plies + 100, np.int32
    )  # a recovery is one move of up to three actions; the rest is for forced ones
    openings = []
    for number in range(count):
        for attempt in range(ATTEMPTS):
            state = new_states(board, players)
            first = attempt * len(kept)
            length = draw_actions(state[0], plies, np.uint64(seed), number, first, kept, board.tables, work)
            if length >= 0:
                openings.append(Opening(state, kept[:length].copy()))
                break
        else:
            raise BadMatch(f"random openings of {plies} plies end the game on {board.name}: choose shorter ones")
    return openings
