"""Kernels that copy samples from a mapped shard into a batch, each under a symmetry of the board.

Shards come from files, so what would lead beyond an array is checked here: the kernels return the first row that is
damaged, or −1.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ringrift.datasets.shards import Arrays
from ringrift.encoding import transform_row
from ringrift.kernels.compiled import compiled

SHARE: Final = np.float32(1 / 65535)
"""Unit of a share of the policy."""
VALUE: Final = np.float32(1 / 32767)
"""Unit of a value of a search."""


class Rows(NamedTuple):
    """What has one row for a sample, with images as rows of A = H × W pixels; in a shard or in a batch."""

    features: npt.NDArray[np.uint8]
    """`[N, C, A]`."""
    owners: npt.NDArray[np.uint8]
    """`[N, A]`."""
    globals: npt.NDArray[np.float32]
    values: npt.NDArray[np.float32]
    """`[N, P]`."""
    root_values: npt.NDArray[Any]
    """`[N, P]`: int16 in a shard, float32 in a batch."""
    policy_kind: npt.NDArray[np.uint8]
    plies_left: npt.NDArray[Any]
    """`[N]`: uint16 in a shard, int32 in a batch."""


def shard_rows(arrays: Arrays) -> Rows:
    """The rows of a shard, without a copy."""
    features, owners = arrays["features"], arrays["owners"]
    return Rows(
        features=features.reshape(*features.shape[:2], -1),
        owners=owners.reshape(len(owners), -1),
        globals=arrays["globals"],
        values=arrays["values_mp"],
        root_values=arrays["root_values"],
        policy_kind=arrays["policy_kind"],
        plies_left=arrays["plies_left"],
    )


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
def copy_rows(source: Any, rows: Any, places: Any, symmetries: Any, gather: Any, target: Any) -> None:  # noqa: C901 - a branch per member
    """Copy everything that has one row for a sample from the `Rows` of a shard to those of a target."""
    # One loop for every member: rows lie far apart, and a processor fetches several at once if nothing stands between.
    for i in range(len(rows)):
        target.policy_kind[places[i]] = source.policy_kind[rows[i]]
    for i in range(len(rows)):
        target.plies_left[places[i]] = source.plies_left[rows[i]]
    for i in range(len(rows)):
        for seat in range(source.values.shape[1]):
            target.values[places[i], seat] = source.values[rows[i], seat]
    for i in range(len(rows)):
        for seat in range(source.values.shape[1]):
            target.root_values[places[i], seat] = source.root_values[rows[i], seat] * VALUE
    for i in range(len(rows)):
        for index in range(source.globals.shape[1]):
            target.globals[places[i], index] = source.globals[rows[i], index]
    for i in range(len(rows)):
        table = gather[symmetries[places[i]]]
        for pixel in range(len(table)):
            target.owners[places[i], pixel] = source.owners[rows[i], np.uint32(table[pixel])]
    for i in range(len(rows)):
        transform_row(source.features[rows[i]], gather[symmetries[places[i]]], target.features[places[i]])
