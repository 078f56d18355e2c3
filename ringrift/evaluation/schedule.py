"""Who sits where in which game of a match, and the openings that the games begin with.

Openings are *paired*: every opening is played once in every seat order, so that neither a lucky opening nor a lucky
seat can favour anybody.
"""

from __future__ import annotations

from collections.abc import Iterator
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


def fixtures(agents: int, players: int, openings: int) -> Iterator[Fixture]:
    """The games of a match: every opening in every seating."""
    orders = seatings(agents, players)
    return (
        Fixture(opening * len(orders) + order, opening, seating)
        for opening in range(openings)
        for order, seating in enumerate(orders)
    )


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


class Openings:
    """Random openings, `plies` moves long with the forced ones, and as many more as are forced then.

    An opening depends on `seed` and its own number alone.
    """

    def __init__(self, board: Board, players: int, *, plies: int, seed: int) -> None:
        self.board = board
        self.players = players
        self.plies = plies
        self.seed = np.uint64(seed)
        self.work = new_workspace(board)
        # A recovery is one move of up to three actions; the rest is for forced ones at the end.
        self.kept = np.empty(4 * plies + 100, np.int32)

    def draw(self, number: int) -> Opening:
        """One of them; `BadMatch` if games end in openings as long as that."""
        for attempt in range(ATTEMPTS):
            state = new_states(self.board, self.players)
            first = attempt * len(self.kept)
            length = draw_actions(
                state[0], self.plies, self.seed, number, first, self.kept, self.board.tables, self.work
            )
            if length >= 0:
                return Opening(state, self.kept[:length].copy())
        raise BadMatch(f"random openings of {self.plies} plies end the game on {self.board.name}: choose shorter ones")
