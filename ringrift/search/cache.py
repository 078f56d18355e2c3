"""A cache of evaluations by the hash of the state, so that no position is put to a network twice in a row.

A search meets again most of what it looked at one decision before, and all games begin alike.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ringrift.game.types import States
from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import mix64
from ringrift.kernels.types import F32, I32, I64, U8, U32, U64
from ringrift.search.evaluators import Evaluator

LOGITS_PER_ENTRY = 32


class CacheTable(NamedTuple):
    """A table with one entry per slot, found by hash, and the logits of all entries in a ring."""

    keys: U64
    """`[slots]`, 0 where there is none."""
    starts: I64
    """`[slots]`, how many logits had been written before those of the entry."""
    counts: I32
    values: F32
    """`[slots, players]`"""
    logits: F32
    written: I64
    """`[1]`, logits written so far: only the last `len(logits)` of them are still there."""


@compiled
def hash_images(images: U8 | U32, keys: U64) -> None:
    """Write the hash of each row of words `[N, words]` into `keys`, never 0."""
    for row in range(len(images)):
        key = np.uint64(0)
        for word in images[row]:
            key = mix64(key ^ np.uint64(word))
        keys[row] = max(key, np.uint64(1))


@compiled
def look_up(entries: CacheTable, keys: U64, offsets: I64, logits: F32, values: F32, missing: I64) -> int:
    """Copy what is known of a batch into `logits` and `values`, list the other rows in `missing`, return how many."""
    count = 0
    for row in range(len(keys)):
        slot = keys[row] % np.uint64(len(entries.keys))
        start = entries.starts[slot]
        wanted = offsets[row + 1] - offsets[row]
        there = entries.written[0] - start <= len(entries.logits)
        if entries.keys[slot] != keys[row] or entries.counts[slot] != wanted or not there:
            missing[count] = row
            count += 1
            continue
        for i in range(wanted):
            logits[offsets[row] + i] = entries.logits[(start + i) % len(entries.logits)]
        for seat in range(values.shape[1]):
            values[row, seat] = entries.values[slot, seat]
    return count


@compiled
def gather_missing(missing: I64, offsets: I64, actions: I32, new_offsets: I64, new_actions: I32) -> None:
    """Copy the ragged actions of the missing rows; `new_offsets[0]` is 0."""
    for i in range(len(missing)):
        first, last = offsets[missing[i]], offsets[missing[i] + 1]
        new_offsets[i + 1] = new_offsets[i] + last - first
        for j in range(last - first):
            new_actions[new_offsets[i] + j] = actions[first + j]


@compiled
def store(
    entries: CacheTable, keys: U64, missing: I64, offsets: I64, new: tuple[I64, F32, F32], logits: F32, values: F32
) -> None:
    """Store the evaluations `new` (offsets, logits, values) of the missing rows, and copy them to where they belong."""
    new_offsets, new_logits, new_values = new
    for i in range(len(missing)):
        row = missing[i]
        slot = keys[row] % np.uint64(len(entries.keys))
        count = new_offsets[i + 1] - new_offsets[i]
        start = entries.written[0]
        for j in range(count):
            logit = new_logits[new_offsets[i] + j]
            logits[offsets[row] + j] = logit
            entries.logits[(start + j) % len(entries.logits)] = logit
        entries.written[0] += count
        entries.keys[slot] = keys[row]
        entries.starts[slot] = start
        entries.counts[slot] = count
        for seat in range(values.shape[1]):
            values[row, seat] = entries.values[slot, seat] = new_values[i, seat]


class CachedEvaluator:
    """An evaluator that passes on to another one only what it has not evaluated lately.

    For evaluators whose answer to a state depends on that state alone: then it changes no result.
    """

    def __init__(self, evaluator: Evaluator, players: int, *, megabytes: int = 64) -> None:
        """Make an empty cache; `megabytes` bounds its memory."""
        self.evaluator = evaluator
        slots = max(1, (megabytes << 20) // (20 + 4 * players + 4 * LOGITS_PER_ENTRY))
        self.entries = CacheTable(
            keys=np.zeros(slots, np.uint64),
            starts=np.zeros(slots, np.int64),
            counts=np.zeros(slots, np.int32),
            values=np.zeros((slots, players), np.float32),
            logits=np.zeros(slots * LOGITS_PER_ENTRY, np.float32),
            written=np.zeros(1, np.int64),
        )
        self.lookups = 0
        """The positions looked up so far."""
        self.hits = 0
        """The positions among them that were known."""

    def __call__(self, states: States, offsets: I64, actions: I32) -> tuple[F32, F32]:
        """Evaluate states from the table, and by the evaluator where they are not in it."""
        keys = np.empty(len(states), np.uint64)
        whole = np.ascontiguousarray(states)
        images: U8 | U32 = whole.view(np.uint32) if states.itemsize % 4 == 0 else whole.view(np.uint8)
        hash_images(images.reshape(len(states), -1), keys)
        logits = np.empty(len(actions), np.float32)
        values = np.empty((len(states), self.entries.values.shape[1]), np.float32)
        missing = np.empty(len(states), np.int64)
        missing = missing[: look_up(self.entries, keys, offsets, logits, values, missing)]
        self.lookups += len(states)
        self.hits += len(states) - len(missing)
        if len(missing):
            new_offsets = np.zeros(len(missing) + 1, np.int64)
            new_actions = np.empty(len(actions), np.int32)
            gather_missing(missing, offsets, actions, new_offsets, new_actions)
            new = self.evaluator(states[missing], new_offsets, new_actions[: new_offsets[-1]])
            store(self.entries, keys, missing, offsets, (new_offsets, *new), logits, values)
        return logits, values
