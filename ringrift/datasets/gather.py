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

PROB: Final = np.float32(1 / 65535)
"""The unit of a probability of a policy."""
VALUE: Final = np.float32(1 / 32767)
"""The unit of a value of a search."""


class SampleRows(NamedTuple):
    """The members that have one row for a sample, in a shard or in a batch; images are rows of A = H × W pixels."""

    features: npt.NDArray[np.uint8]
    """`[N, C, A]`."""
    ownership: npt.NDArray[np.uint8]
    """`[N, A]`."""
    globals: npt.NDArray[np.float32]
    """`[N, G]`."""
    outcome_values: npt.NDArray[np.float32]
    """`[N, P]`."""
    root_values: npt.NDArray[Any]
    """`[N, P]`: int16 in a shard, float32 in a batch."""
    has_policy: npt.NDArray[np.uint8]
    """`[N]`."""
    moves_left: npt.NDArray[Any]
    """`[N]`: uint16 in a shard, int32 in a batch."""


def shard_rows(arrays: Arrays) -> SampleRows:
    """Return the rows of a shard, without a copy."""
    features, ownership = arrays["features"], arrays["ownership"]
    return SampleRows(
        features=features.reshape(*features.shape[:2], -1),
        ownership=ownership.reshape(len(ownership), -1),
        globals=arrays["globals"],
        outcome_values=arrays["outcome_values"],
        root_values=arrays["root_values"],
        has_policy=arrays["has_policy"],
        moves_left=arrays["moves_left"],
    )


@compiled
def count_entries(offsets: Any, entries: int, rows: Any, places: Any, counts: Any) -> int:
    """Write the numbers of entries of rows; row `rows[i]` stands at place `places[i]` of the batch.

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
    actions: Any,
    probs: Any,
    rows: Any,
    places: Any,
    symmetries: Any,
    action_tables: Any,
    new_offsets: Any,
    new_actions: Any,
    new_probs: Any,
) -> int:
    """Copy policies: the images of their actions under the symmetry of their place, and their probabilities."""
    for i in range(len(rows)):
        table = action_tables[symmetries[places[i]]]
        to = new_offsets[places[i]]
        for entry in range(offsets[rows[i]], offsets[rows[i] + 1]):
            action = actions[entry]
            if not 0 <= action < len(table):
                return int(rows[i])
            new_actions[to] = table[action]
            new_probs[to] = probs[entry] * PROB
            to += 1
    return -1


@compiled
def copy_rows(source: Any, rows: Any, places: Any, symmetries: Any, gather: Any, target: Any) -> None:  # noqa: C901 - a branch per member
    """Copy the `SampleRows` of a shard to those of a target."""
    # One loop for every member: rows lie far apart, and a processor fetches several at once if nothing stands between.
    for i in range(len(rows)):
        target.has_policy[places[i]] = source.has_policy[rows[i]]
    for i in range(len(rows)):
        target.moves_left[places[i]] = source.moves_left[rows[i]]
    for i in range(len(rows)):
        for seat in range(source.outcome_values.shape[1]):
            target.outcome_values[places[i], seat] = source.outcome_values[rows[i], seat]
    for i in range(len(rows)):
        for seat in range(source.outcome_values.shape[1]):
            target.root_values[places[i], seat] = source.root_values[rows[i], seat] * VALUE
    for i in range(len(rows)):
        for index in range(source.globals.shape[1]):
            target.globals[places[i], index] = source.globals[rows[i], index]
    for i in range(len(rows)):
        table = gather[symmetries[places[i]]]
        for pixel in range(len(table)):
            target.ownership[places[i], pixel] = source.ownership[rows[i], np.uint32(table[pixel])]
    for i in range(len(rows)):
        transform_row(source.features[rows[i]], gather[symmetries[places[i]]], target.features[places[i]])
