"""The search statistics of games that are still running, kept by slot until the record of the game is written."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ringrift.kernels.compiled import compiled
from ringrift.search import SearchOutput
from ringrift.selfplay.lockstep import Slots
from ringrift.selfplay.record import MOST_SURPRISE, PROB_UNIT, VALUE_UNIT, SearchStatistics

FIRST_DECISIONS: Final = 128
"""Decisions of a game for which there is room at first; the room doubles when a game needs more."""
FIRST_ENTRIES: Final = 4096
"""Entries of all policies of a game for which there is room at first."""


@compiled
def append_policies(
    slots: Any, probs: Any, legal: Any, offsets: Any, decisions: Any, entries: Any, lengths: Any, actions: Any, out: Any
) -> None:
    """Append every ragged policy to its slot, in whole units, without what rounds to 0; raise `entries` only."""
    for i in range(len(slots)):
        slot = slots[i]
        place = entries[slot]
        for j in range(offsets[i], offsets[i + 1]):
            prob = int(probs[j] * PROB_UNIT + 0.5)
            if prob > 0:
                actions[slot, place] = legal[j]
                out[slot, place] = prob
                place += 1
        lengths[slot, decisions[slot]] = place - entries[slot]
        entries[slot] = place


class SearchRecorder:
    """The search statistics of the running games, as they will stand in their records."""

    def __init__(self, slots: int, players: int) -> None:
        self._decisions = np.zeros(slots, np.int64)
        self._entries = np.zeros(slots, np.int64)
        self._action_index = np.empty((slots, FIRST_DECISIONS), np.int32)
        self._has_policy = np.empty((slots, FIRST_DECISIONS), np.uint8)
        self._root_values = np.empty((slots, FIRST_DECISIONS, players), np.int16)
        self._surprise = np.empty((slots, FIRST_DECISIONS), np.float16)
        self._policy_lengths = np.empty((slots, FIRST_DECISIONS), np.uint16)
        self._policy_actions = np.empty((slots, FIRST_ENTRIES), np.int32)
        self._policy_probs = np.empty((slots, FIRST_ENTRIES), np.uint16)

    def add(
        self, slots: Slots, action_index: npt.NDArray[np.int64], output: SearchOutput, has_policy: npt.NDArray[np.bool_]
    ) -> None:
        """Keep the results of searches in the slots `[slots]`, each about the game's action `action_index`."""
        while (self._decisions[slots] >= self._action_index.shape[1]).any():
            self._action_index, self._has_policy = _doubled(self._action_index), _doubled(self._has_policy)
            self._root_values, self._surprise = _doubled(self._root_values), _doubled(self._surprise)
            self._policy_lengths = _doubled(self._policy_lengths)
        while (self._entries[slots] + np.diff(output.policy_offsets) > self._policy_actions.shape[1]).any():
            self._policy_actions, self._policy_probs = _doubled(self._policy_actions), _doubled(self._policy_probs)
        decisions = self._decisions[slots]
        self._action_index[slots, decisions] = action_index
        self._has_policy[slots, decisions] = has_policy
        self._root_values[slots, decisions] = np.rint(np.clip(output.root_values, -1, 1) * VALUE_UNIT)
        self._surprise[slots, decisions] = np.minimum(output.surprise, MOST_SURPRISE)
        append_policies(
            slots,
            output.policy_probs,
            output.policy_actions,
            output.policy_offsets,
            self._decisions,
            self._entries,
            self._policy_lengths,
            self._policy_actions,
            self._policy_probs,
        )
        self._decisions[slots] += 1

    def take(self, slot: int) -> SearchStatistics | None:
        """Return the statistics of the game of a slot, None if there are none; the slot is empty then."""
        decisions, entries = self._decisions[slot], self._entries[slot]
        self._decisions[slot] = self._entries[slot] = 0
        if decisions == 0:
            return None
        surprise = self._surprise[slot, :decisions].copy()
        return SearchStatistics(
            action_index=self._action_index[slot, :decisions].copy(),
            has_policy=self._has_policy[slot, :decisions].copy(),
            root_values=self._root_values[slot, :decisions].copy(),
            policy_lengths=self._policy_lengths[slot, :decisions].copy(),
            policy_actions=self._policy_actions[slot, :entries].copy(),
            policy_probs=self._policy_probs[slot, :entries].copy(),
            surprise=None if np.isnan(surprise).all() else surprise,
        )


def _doubled(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The array with twice as many columns."""
    return np.concatenate([array, np.empty_like(array)], axis=1)
