"""The pairings of a match: which player sits where in which game.

Openings are *paired*: every opening is played once in every seat order, so that neither a lucky opening nor a lucky
seat can favour a player.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from ringrift.errors import RingRiftError


class BadMatch(RingRiftError):
    """A match that cannot be played."""


@dataclass(frozen=True)
class ScheduledGame:
    """One game that is to be played."""

    number: int
    """The number of the game in the match; with the seed it decides all random numbers of the players."""
    opening: int
    seating: tuple[int, ...]
    """`[players]`, by seat the index of the agent."""


def seatings(agents: int, players: int, *, alone: bool = False) -> tuple[tuple[int, ...], ...]:
    """Return every way to fill the seats in which every agent has at least one.

    As many agents as seats: all their orders. Fewer: all assignments, such as AAB, ABA, ABB, BAA, BAB, BBA for two
    agents on three seats; over all of them every agent has every seat equally often. `alone` leaves those in which
    the first agent has one seat: ABB, BAB, BBA.
    """
    if not 2 <= agents <= players:
        wanted = "2" if players == 2 else f"2 to {players}"
        raise BadMatch(f"a match with {players} seats needs {wanted} players, not {agents}")
    return tuple(
        seats
        for seats in product(range(agents), repeat=players)
        if len(set(seats)) == agents and not (alone and seats.count(0) > 1)
    )


def schedule(agents: int, players: int, openings: int, *, alone: bool = False) -> Iterator[ScheduledGame]:
    """Return the games of a match: every opening in every seating."""
    orders = seatings(agents, players, alone=alone)
    return (
        ScheduledGame(opening * len(orders) + order, opening, seating)
        for opening in range(openings)
        for order, seating in enumerate(orders)
    )
