"""The order of the samples of a stream: a function of seed and place, so that nothing has to be kept.

An epoch has as many draws as there are samples. Draw k of n takes the sample in whose interval (k + u) / n falls, where
every sample has an interval of 0 … 1 as long as its share of the weights, and u is one random number an epoch.
This is systematic sampling (Madow 1949): in every epoch a sample of expected number e is drawn ⌊e⌋ or ⌈e⌉ times, e
times on average. With equal weights every sample is drawn exactly once.

Draws are shuffled by a random permutation that is computed, not stored: a Feistel network on the bits of the place
(Luby and Rackoff 1988), repeated while it leads beyond the last draw (cycle walking: Black and Rogaway 2002). Shuffling
takes no memory, starts at any place, and mixes all shards.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from ringrift.datasets.layout import AGAIN, BadDataset
from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import mix64, random_below

ROUNDS: Final = 8
"""Rounds of the Feistel network. Four make a good permutation of many draws; few draws have few bits and need more."""
BLOCK: Final = 256
"""The number of samples whose weights are added up in advance: 8 bytes of memory for each block, and on average half as
many additions for a draw."""
START: Final = 1
SYMMETRY: Final = 2
"""The streams of random numbers."""
FRACTIONS: Final = 1 << 20
"""Values of u: few enough that (k + u) × weight stays exact where that decides whether equal weights mean once each."""


class Sampler(Protocol):
    """The order of the samples of a stream without end."""

    def samples(self, first: int, count: int) -> npt.NDArray[np.int64]:
        """Return the samples at `count` places from `first` on: `[count]`, counted through all shards."""


class SequentialSampler:
    """The order in which samples are stored: every sample once an epoch."""

    def __init__(self, lengths: Sequence[int]) -> None:
        """Go through shards of these lengths."""
        self._samples = sum(lengths)

    def samples(self, first: int, count: int) -> npt.NDArray[np.int64]:
        """See `Sampler`."""
        return np.arange(first, first + count) % self._samples


class WeightedSampler:
    """Samples drawn by their weights and shuffled anew in every epoch; takes memory of N / 32 bytes for N samples."""

    def __init__(self, weights: Sequence[npt.NDArray[np.float32]], paths: Sequence[Path], seed: int) -> None:
        """Draw by the `weights` of every shard; `paths` are for error messages."""
        lengths = [len(part) for part in weights]
        self._weights = tuple(weights)
        self._seed = np.uint64(seed)
        self._samples = sum(lengths)
        self._first_sample = np.cumsum([0, *lengths])
        self._first_block = np.cumsum([0, *(-(-length // BLOCK) for length in lengths)])
        self._sums = np.empty(self._first_block[-1])
        """The sum of all weights before each block."""
        total = 0.0
        for part, path, block in zip(weights, paths, self._first_block, strict=False):
            total = add_up(part, total, self._sums[block:])
            if not np.isfinite(total):
                raise BadDataset(f"{path}: weights must be numbers from 0 on; {AGAIN}")
        if total == 0:
            raise BadDataset(f"{paths[0]}: all weights are 0, so no sample could be drawn; {AGAIN}")
        self._step = total / self._samples

    def samples(self, first: int, count: int) -> npt.NDArray[np.int64]:
        """See `Sampler`."""
        targets = np.empty(count)
        draw(self._seed, first, self._samples, self._step, targets)
        blocks = np.searchsorted(self._sums, targets, side="right") - 1
        shards = np.searchsorted(self._first_block, blocks, side="right") - 1
        samples = np.empty(count, np.int64)
        for shard in np.unique(shards):
            places = np.flatnonzero(shards == shard)
            locate(
                self._weights[shard],
                self._sums,
                self._first_block[shard],
                self._first_sample[shard],
                places,
                blocks,
                targets,
                samples,
            )
        return samples


def symmetries_at(seed: int, first: int, symmetries: npt.NDArray[np.int32], count: int) -> None:
    """Draw one of `count` symmetries for every place from `first` on."""
    draw_symmetries(np.uint64(seed), first, count, symmetries)


@compiled
def shuffled(key: np.uint64, place: int, count: int) -> int:
    """Return the draw at a place: a random permutation of 0 … `count`−1."""
    bits = 0
    while count > 1 << bits:
        bits += 1
    low_bits = np.uint64(bits // 2)
    low_mask = (np.uint64(1) << low_bits) - np.uint64(1)
    high_mask = (np.uint64(1) << (np.uint64(bits) - low_bits)) - np.uint64(1)
    high = np.uint64(place) >> low_bits
    low = np.uint64(place) & low_mask
    while True:
        for step in range(0, ROUNDS, 2):
            high ^= mix64(key ^ (np.uint64(step) << np.uint64(56)) ^ low) & high_mask
            low ^= mix64(key ^ (np.uint64(step + 1) << np.uint64(56)) ^ high) & low_mask
        drawn = np.int64((high << low_bits) | low)
        if drawn < count:
            return int(drawn)


@compiled
def draw(seed: np.uint64, first: int, samples: int, step: float, targets: Any) -> None:
    """Write where on the line of all weights the draws at places `first` … fall: `targets` `[count]`."""
    for i in range(len(targets)):
        epoch = (first + i) // samples
        key = mix64(seed ^ mix64(np.uint64(epoch)))
        fraction = random_below(key, START, 0, FRACTIONS) / FRACTIONS
        targets[i] = (shuffled(key, (first + i) % samples, samples) + fraction) * step


@compiled
def draw_symmetries(seed: np.uint64, first: int, count: int, symmetries: Any) -> None:
    """Write one of `count` symmetries for the places `first` … into `symmetries`."""
    for i in range(len(symmetries)):
        symmetries[i] = random_below(seed, SYMMETRY, first + i, count)


@compiled
def add_up(weights: Any, total: float, sums: Any) -> float:
    """Write the sum of all weights before each block of a shard; return the sum after it, NaN if a weight is none."""
    for row in range(len(weights)):
        if row % BLOCK == 0:
            sums[row // BLOCK] = total
        weight = weights[row]
        if not 0 <= weight < np.inf:
            return float(np.nan)
        total += weight
    return total


@compiled
def locate(
    weights: Any,
    sums: Any,
    first_block: int,
    first_sample: int,
    places: Any,
    blocks: Any,
    targets: Any,
    samples: Any,
) -> None:
    """Find the samples of one shard in whose intervals the targets at some places lie."""
    for place in places:
        row = (blocks[place] - first_block) * BLOCK
        total = sums[blocks[place]] + weights[row]
        while total <= targets[place]:  # adds in the order of `add_up`, so it ends within the block
            row += 1
            total += weights[row]
        samples[place] = first_sample + row
