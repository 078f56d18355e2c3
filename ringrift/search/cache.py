"""A cache of evaluations by the hash of the state, so that no position is put to a network twice in a row.

A search meets again most of what it looked at one decision before, and all games begin alike.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final, Generic, NamedTuple, TypeVar

import numpy as np

from ringrift.game.types import States
from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import mix64
from ringrift.kernels.threads import share_out
from ringrift.kernels.types import F32, I32, I64, U8, U32, U64
from ringrift.search.evaluators import CompiledEvaluator, Evaluator, Pending, PipelinedEvaluator

EvaluatorT = TypeVar("EvaluatorT", bound=Evaluator)
LOGITS_PER_ENTRY = 32
LANES: Final = 4
"""The chains of a hash; `hash_image` writes them out."""
ROWS_PER_PART: Final = 256
"""The states that a thread hashes at once; waking it takes as long as hashing some fifty."""


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


class CachedLeaves(NamedTuple):
    """The memory with which a compiled search evaluates its leaves by a cache, and by the evaluator behind it."""

    entries: CacheTable
    images: U8 | U32
    """`[slots, nodes, words]`, the bytes of the trees' states."""
    keys: U64
    """`[1]`, room for the key of a leaf."""
    missing: I64
    """`[1]`, room for the row that is not in the table."""
    counts: I64
    """`[2]`, the positions looked up so far, and those among them that were known."""
    behind: Any
    """The memory of the evaluator behind the cache."""


def images_of(states: States) -> U8 | U32:
    """Return the bytes of states `[…]` as words `[…, words]`, without a copy where they lie in a row."""
    whole = np.ascontiguousarray(states)
    words: U8 | U32 = whole.view(np.uint32) if states.itemsize % 4 == 0 else whole.view(np.uint8)
    return words.reshape(*states.shape, -1)


@compiled
def hash_image(images: U8 | U32, row: int) -> np.uint64:
    """Return the hash of a row of words `[N, words]`, never 0.

    Four chains side by side: each step of a chain waits for the one before it, and a processor computes several.
    """
    whole = images.shape[1] - images.shape[1] % LANES
    a, b, c, d = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(3)
    for i in range(0, whole, LANES):
        a = mix64(a ^ np.uint64(images[row, i]))
        b = mix64(b ^ np.uint64(images[row, i + 1]))
        c = mix64(c ^ np.uint64(images[row, i + 2]))
        d = mix64(d ^ np.uint64(images[row, i + 3]))
    for i in range(whole, images.shape[1]):
        a = mix64(a ^ np.uint64(images[row, i]))
    return max(mix64(mix64(mix64(a ^ b) ^ c) ^ d), np.uint64(1))


@compiled
def hash_images(images: U8 | U32, first: int, last: int, keys: U64) -> None:
    """Write the hashes of the rows `first` … `last`−1 of words `[N, words]` into `keys`."""
    for row in range(first, last):
        keys[row] = hash_image(images, row)


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


class CachedEvaluator(Generic[EvaluatorT]):
    """An evaluator that passes on to another one only what it has not evaluated lately.

    For evaluators whose answer to a state depends on that state alone: then it changes no result.
    """

    def __init__(self, evaluator: EvaluatorT, players: int, *, megabytes: int = 64) -> None:
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
        self._counts = np.zeros(2, np.int64)

    @property
    def lookups(self) -> int:
        """The positions looked up so far."""
        return int(self._counts[0])

    @property
    def hits(self) -> int:
        """The positions among them that were known."""
        return int(self._counts[1])

    def __call__(self, states: States, offsets: I64, actions: I32) -> tuple[F32, F32]:
        """Evaluate states from the table, and by the evaluator where they are not in it."""
        return self.begin(states, offsets, actions)()

    def begin(self, states: States, offsets: I64, actions: I32, rows: I64 | None = None) -> Pending:
        """Look states up and let the evaluator begin with those that are not in the table."""
        if rows is not None:
            states = states[rows]
        keys = self._keys(states)
        logits = np.empty(len(actions), np.float32)
        values = np.empty((len(states), self.entries.values.shape[1]), np.float32)
        missing = np.empty(len(states), np.int64)
        missing = missing[: look_up(self.entries, keys, offsets, logits, values, missing)]
        self._counts += len(states), len(states) - len(missing)
        if not len(missing):
            return lambda: (logits, values)
        new_offsets = np.zeros(len(missing) + 1, np.int64)
        new_actions = np.empty(len(actions), np.int32)
        gather_missing(missing, offsets, actions, new_offsets, new_actions)
        new_actions = new_actions[: new_offsets[-1]]
        if isinstance(self.evaluator, PipelinedEvaluator):
            pending = self.evaluator.begin(states, new_offsets, new_actions, missing)
        else:
            pending = partial(self.evaluator, states[missing], new_offsets, new_actions)

        def result() -> tuple[F32, F32]:
            store(self.entries, keys, missing, offsets, (new_offsets, *pending()), logits, values)
            return logits, values

        return result

    def leaf_memory(self, states: States, *, alone: bool) -> CachedLeaves | None:
        """Return what a compiled search needs; None where the evaluator behind the cache has no kernel.

        Nothing guards the table, so that there is none for several threads either.
        """
        if not (alone and isinstance(self.evaluator, CompiledEvaluator)):
            return None
        behind = self.evaluator.leaf_memory(states, alone=alone)
        if behind is None:
            return None
        return CachedLeaves(
            entries=self.entries,
            images=images_of(states),
            keys=np.zeros(1, np.uint64),
            missing=np.zeros(1, np.int64),
            counts=self._counts,
            behind=behind,
        )

    def _keys(self, states: States) -> U64:
        """Return the hashes of the states' bytes, `[N]`, computed on all cores."""
        keys = np.empty(len(states), np.uint64)
        images = images_of(states)
        share_out(len(states), lambda first, last: hash_images(images, first, last, keys), grain=ROWS_PER_PART)
        return keys
