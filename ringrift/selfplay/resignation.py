"""Soft resignation (Wu: Accelerating self-play learning in Go, 2019): who would give up plays on, with less search.

Every game is played to its end, so every resignation is checked: did the one who would have given up win after all?
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ringrift.selfplay.lockstep import Rows
from ringrift.selfplay.settings import ResignationSettings


class Resignations:
    """How long every player of the running games has seen no hope; `[slots]`."""

    def __init__(self, slots: int, players: int, settings: ResignationSettings) -> None:
        self.settings = settings
        self.cheap = np.zeros((slots, players), np.bool_)
        """`[slots, players]`, whose decisions are searched less, and not learned, since somebody has given up."""
        self._hopeless = np.zeros((slots, players), np.int64)
        self._at: list[tuple[int, int] | None] = [None] * slots

    def watch(self, rows: Rows, seats: npt.NDArray[np.int64], values: npt.NDArray[np.float32]) -> list[tuple[int, int]]:
        """Note the values `[rows, players]` that those to act, on `seats` from 0, have found.

        Returns slot and seat of all who should give up now; nobody has before in their game.
        """
        own = values[np.arange(len(rows)), seats]
        lasting = np.where(own < self.settings.below, self._hopeless[rows, seats] + 1, 0)
        self._hopeless[rows, seats] = lasting
        late = np.flatnonzero(lasting >= self.settings.decisions)
        return [
            (slot, seat)
            for slot, seat in zip(rows[late].tolist(), seats[late].tolist(), strict=True)
            if self._at[slot] is None
        ]

    def give_up(self, slot: int, seat: int, at: int) -> None:
        """The player on a seat, from 0, gives up at that action: with two players, both play on cheaply."""
        self._at[slot] = (seat + 1, at)
        self.cheap[slot, slice(None) if self.cheap.shape[1] == 2 else seat] = True

    def take(self, slot: int) -> tuple[int, int] | None:
        """Who gave up in a game that is over, and when; the slot is free then."""
        at, self._at[slot] = self._at[slot], None
        self._hopeless[slot] = 0
        self.cheap[slot] = False
        return at
