"""Soft resignation (Wu: Accelerating self-play learning in Go, 2019): who would resign plays on with less search.

Every game is played to its end, so every resignation is checked: did the player win after all?
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ringrift.selfplay.lockstep import Slots
from ringrift.selfplay.settings import ResignationSettings


class Resignations:
    """The count of hopeless decisions in a row of every player in the running games, and who has resigned."""

    def __init__(self, slots: int, players: int, settings: ResignationSettings) -> None:
        self.settings = settings
        self.cheap = np.zeros((slots, players), np.bool_)
        """`[slots, players]`, whose decisions are searched less and not learned, since a player has resigned."""
        self._hopeless = np.zeros((slots, players), np.int64)
        self._at: list[tuple[int, int] | None] = [None] * slots

    def watch(
        self, slots: Slots, seats: npt.NDArray[np.int64], root_values: npt.NDArray[np.float32]
    ) -> list[tuple[int, int]]:
        """Count the `root_values` `[slots, players]` of the players to act, who are on `seats` counted from 0.

        Returns slot and seat of all players that resign now; in their games no player has resigned before.
        """
        own = root_values[np.arange(len(slots)), seats]
        lasting = np.where(own < self.settings.below, self._hopeless[slots, seats] + 1, 0)
        self._hopeless[slots, seats] = lasting
        late = np.flatnonzero(lasting >= self.settings.decisions)
        return [
            (slot, seat)
            for slot, seat in zip(slots[late].tolist(), seats[late].tolist(), strict=True)
            if self._at[slot] is None
        ]

    def give_up(self, slot: int, seat: int, at: int) -> None:
        """Let the player on a seat, from 0, resign at the action `at`: of two players, both play on cheaply."""
        self._at[slot] = (seat + 1, at)
        self.cheap[slot, slice(None) if self.cheap.shape[1] == 2 else seat] = True

    def take(self, slot: int) -> tuple[int, int] | None:
        """Return who resigned in a game that is over, and at which action; free the slot."""
        at, self._at[slot] = self._at[slot], None
        self._hopeless[slot] = 0
        self.cheap[slot] = False
        return at
