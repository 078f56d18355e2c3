"""What players find out in games that are still running, kept by slot until the game's record is written."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ringrift.kernels.compiled import compiled
from ringrift.search import SearchOutput
from ringrift.selfplay.lockstep import Rows
from ringrift.selfplay.record import MOST_SURPRISE, VALUE_UNIT, WEIGHT_UNIT, SearchStatistics

FIRST_DECISIONS: Final = 128
FIRST_ENTRIES: Final = 4096
"""Of a game, for which there is room at first; it doubles when a game needs more."""


@compiled
def note_policies(
    rows: Any, policy: Any, legal: Any, offsets: Any, decisions: Any, entries: Any, counts: Any, actions: Any, out: Any
) -> None:
    """Append every ragged policy to its slot, in whole units, without what rounds to 0; raises `entries` only."""
    for i in range(len(rows)):
        slot = rows[i]
        place = entries[slot]
        for j in range(offsets[i], offsets[i + 1]):
            weight = int(policy[j] * WEIGHT_UNIT + 0.5)
            if weight > 0:
                actions[slot, place] = legal[j]
                out[slot, place] = weight
                place += 1
        counts[slot, decisions[slot]] = place - entries[slot]
        entries[slot] = place


class Notes:
    """Statistics of the running games, as they will stand in their records."""

    def __init__(self, slots: int, players: int) -> None:
        self._decisions = np.zeros(slots, np.int64)
        self._entries = np.zeros(slots, np.int64)
        self._at = np.empty((slots, FIRST_DECISIONS), np.int32)
        self._full = np.empty((slots, FIRST_DECISIONS), np.uint8)
        self._values = np.empty((slots, FIRST_DECISIONS, players), np.int16)
        self._counts = np.empty((slots, FIRST_DECISIONS), np.uint16)
        self._surprise = np.empty((slots, FIRST_DECISIONS), np.float16)
        self._actions = np.empty((slots, FIRST_ENTRIES), np.int32)
        self._weights = np.empty((slots, FIRST_ENTRIES), np.uint16)

    def add(self, rows: Rows, at: npt.NDArray[np.int64], output: SearchOutput, full: npt.NDArray[np.bool_]) -> None:
        """Keep the outputs of searches in the slots `[rows]`, each of the game's action number `at`."""
        while (self._decisions[rows] >= self._at.shape[1]).any():
            self._at, self._full, self._counts = doubled(self._at), doubled(self._full), doubled(self._counts)
            self._values, self._surprise = doubled(self._values), doubled(self._surprise)
        while (self._entries[rows] + np.diff(output.policy_offsets) > self._actions.shape[1]).any():
            self._actions, self._weights = doubled(self._actions), doubled(self._weights)
        decisions = self._decisions[rows]
        self._at[rows, decisions] = at
        self._full[rows, decisions] = full
        self._values[rows, decisions] = np.rint(np.clip(output.root_values, -1, 1) * VALUE_UNIT)
        self._surprise[rows, decisions] = np.minimum(output.surprise, MOST_SURPRISE)
        note_policies(
            rows,
            output.policy_probs,
            output.policy_actions,
            output.policy_offsets,
            self._decisions,
            self._entries,
            self._counts,
            self._actions,
            self._weights,
        )
        self._decisions[rows] += 1

    def take(self, slot: int) -> SearchStatistics | None:
        """What was kept about the game of a slot, None if nothing; the slot is empty then."""
        decisions, entries = self._decisions[slot], self._entries[slot]
        self._decisions[slot] = self._entries[slot] = 0
        if decisions == 0:
            return None
        surprise = self._surprise[slot, :decisions].copy()
        return SearchStatistics(
            at=self._at[slot, :decisions].copy(),
            full=self._full[slot, :decisions].copy(),
            values=self._values[slot, :decisions].copy(),
            counts=self._counts[slot, :decisions].copy(),
            actions=self._actions[slot, :entries].copy(),
            weights=self._weights[slot, :entries].copy(),
            surprise=None if np.isnan(surprise).all() else surprise,
        )


def doubled(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The array with twice as many columns."""
    return np.concatenate([array, np.empty_like(array)], axis=1)
