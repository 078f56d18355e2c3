"""Answers of an evaluator kept by the hash of the state, so that no position is put to a network twice in a row.

A search meets again most of what it looked at one decision before, and all games begin alike.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import mix64
from ringrift.search.evaluators import Evaluator, Floats, Ints, Offsets, States

LOGITS_PER_ENTRY = 32


class Entries(NamedTuple):
    """A table with one entry per place, found by hash, and the logits of all entries in a ring."""

    keys: npt.NDArray[np.uint64]
    """`[places]`, 0 where there is none."""
    starts: npt.NDArray[np.int64]
    """`[places]`, how many logits had been written before those of the entry."""
    counts: Ints
    values: Floats
    """`[places, players]`"""
    logits: Floats
    written: Offsets
    """`[1]`, logits written so far: only the last `len(logits)` of them are still there."""


@compiled
def hash_images(images: Any, keys: Any) -> None:
    """Write the hash of each row of words `[N, words]` into `keys`; never 0."""
    for row in range(len(images)):
        key = np.uint64(0)
        for word in images[row]:
            key = mix64(key ^ np.uint64(word))
        keys[row] = max(key, np.uint64(1))


@compiled
def look_up(entries: Any, keys: Any, offsets: Any, logits: Any, values: Any, missing: Any) -> int:
    """Copy what is known of a batch into `logits` and `values`, and list the other rows in `missing`; how many."""
    count = 0
    for row in range(len(keys)):
        place = keys[row] % np.uint64(len(entries.keys))
        start = entries.starts[place]
        wanted = offsets[row + 1] - offsets[row]
        there = entries.written[0] - start <= len(entries.logits)
        if entries.keys[place] != keys[row] or entries.counts[place] != wanted or not there:
            missing[count] = row
            count += 1
            continue
        for i in range(wanted):
            logits[offsets[row] + i] = entries.logits[(start + i) % len(entries.logits)]
        for seat in range(values.shape[1]):
            values[row, seat] = entries.values[place, seat]
    return count


@compiled
def gather_missing(missing: Any, offsets: Any, actions: Any, new_offsets: Any, new_actions: Any) -> None:
    """Copy the ragged actions of the missing rows; `new_offsets[0]` is 0."""
    for i in range(len(missing)):
        first, last = offsets[missing[i]], offsets[missing[i] + 1]
        new_offsets[i + 1] = new_offsets[i] + last - first
        for j in range(last - first):
            new_actions[new_offsets[i] + j] = actions[first + j]


@compiled
def keep(entries: Any, keys: Any, missing: Any, offsets: Any, new: Any, logits: Any, values: Any) -> None:
    """Keep the answers `new` (offsets, logits, values) to the missing rows, and copy them to where they belong."""
    new_offsets, new_logits, new_values = new
    for i in range(len(missing)):
        row = missing[i]
        place = keys[row] % np.uint64(len(entries.keys))
        count = new_offsets[i + 1] - new_offsets[i]
        start = entries.written[0]
        for j in range(count):
            logit = new_logits[new_offsets[i] + j]
            logits[offsets[row] + j] = logit
            entries.logits[(start + j) % len(entries.logits)] = logit
        entries.written[0] += count
        entries.keys[place] = keys[row]
        entries.starts[place] = start
        entries.counts[place] = count
        for seat in range(values.shape[1]):
            values[row, seat] = entries.values[place, seat] = new_values[i, seat]


class CachedEvaluator:
    """Puts to an evaluator only what it has not been asked lately.

    For evaluators whose answer to a state depends on that state alone: then it changes no result.
    """

    def __init__(self, evaluator: Evaluator, players: int, *, megabytes: int = 64) -> None:
        """`megabytes` bounds the memory."""
        self.evaluator = evaluator
        places = max(1, (megabytes << 20) // (20 + 4 * players + 4 * LOGITS_PER_ENTRY))
        self.entries = Entries(
            keys=np.zeros(places, np.uint64),
            starts=np.zeros(places, np.int64),
            counts=np.zeros(places, np.int32),
            values=np.zeros((places, players), np.float32),
            logits=np.zeros(places * LOGITS_PER_ENTRY, np.float32),
            written=np.zeros(1, np.int64),
        )
        self.asked = 0
        """Positions so far."""
        self.found = 0
        """… of which the answer was known."""

    def __call__(self, states: States, offsets: Offsets, actions: Ints) -> tuple[Floats, Floats]:
        """Answers from the table, and from the evaluator for the rest."""
        word = np.uint32 if states.itemsize % 4 == 0 else np.uint8
        keys = np.empty(len(states), np.uint64)
        hash_images(np.ascontiguousarray(states).view(word).reshape(len(states), -1), keys)
        logits = np.empty(len(actions), np.float32)
        values = np.empty((len(states), self.entries.values.shape[1]), np.float32)
        missing = np.empty(len(states), np.int64)
        missing = missing[: look_up(self.entries, keys, offsets, logits, values, missing)]
        self.asked += len(states)
        self.found += len(states) - len(missing)
        if len(missing):
            new_offsets = np.zeros(len(missing) + 1, np.int64)
            new_actions = np.empty(len(actions), np.int32)
            gather_missing(missing, offsets, actions, new_offsets, new_actions)
            new = self.evaluator(states[missing], new_offsets, new_actions[: new_offsets[-1]])
            keep(self.entries, keys, missing, offsets, (new_offsets, *new), logits, values)
        return logits, values
