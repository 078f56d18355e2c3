"""Kernels that copy samples from a mapped shard into a batch, each under a symmetry of the board.

Shards come from files, so what would lead beyond an array is checked here: the kernels return the first row that is
damaged, or −1.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from ringrift.encoding import transform_row
from ringrift.game.compiled import compiled

SHARE: Final = np.float32(1 / 65535)
"""Unit of a share of the policy."""
VALUE: Final = np.float32(1 / 32767)
"""Unit of a value of a search."""


@compiled
def count_entries(offsets: Any, entries: int, rows: Any, places: Any, counts: Any) -> int:
    """Write how many entries the rows have; row `rows[i]` stands at place `places[i]` of the batch.

    `offsets` are `[N + 1]`, `entries` is how many there are in the shard.
    """
    for i in range(len(rows)):
        first = offsets[rows[i]]
        last = offsets[rows[i] + 1]
        if not 0 <= first <= last <= entries:
            return int(rows[i])
        counts[places[i]] = last - first
    return -1


@compiled
def copy_entries(
    offsets: Any,
    indices: Any,
    values: Any,
    rows: Any,
    places: Any,
    symmetries: Any,
    actions: Any,
    new_offsets: Any,
    new_indices: Any,
    new_values: Any,
) -> int:
    """Copy the entries of policies: what their actions become under the symmetry of their place, and their shares."""
    for i in range(len(rows)):
        table = actions[symmetries[places[i]]]
        to = new_offsets[places[i]]
        for entry in range(offsets[rows[i]], offsets[rows[i] + 1]):
            action = indices[entry]
            if not 0 <= action < len(table):
                return int(rows[i])
            new_indices[to] = table[action]
            new_values[to] = values[entry] * SHARE
            to += 1
    return -1


@compiled
def copy_rows(shard: Any, rows: Any, places: Any, symmetries: Any, gather: Any, batch: Any) -> None:
    """Copy everything that has one row for a sample. Images are `[…, A]` on both sides, A = H × W."""
    for i in range(len(rows)):
        row = rows[i]
        place = places[i]
        table = gather[symmetries[place]]
        transform_row(shard.features[row], table, batch.features[place])
        for pixel in range(len(table)):
            batch.owners[place, pixel] = shard.owners[row, table[pixel]]
        for index in range(shard.globals.shape[1]):
            batch.globals[place, index] = shard.globals[row, index]
        for seat in range(shard.values_mp.shape[1]):
            batch.values[place, seat] = shard.values_mp[row, seat]
            batch.root_values[place, seat] = shard.root_values[row, seat] * VALUE
        batch.policy_kind[place] = shard.policy_kind[row]
        batch.plies_left[place] = shard.plies_left[row]
