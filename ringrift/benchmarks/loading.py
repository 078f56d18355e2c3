"""Speed of the loader on synthetic data, beside the samples per second that training on one GPU takes."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

import numpy as np

from ringrift.benchmarks.memory import measured
from ringrift.benchmarks.networks import LEGAL_ACTIONS
from ringrift.datasets import open_dataset
from ringrift.datasets.layout import FACTS
from ringrift.datasets.loader import Batch, Loader
from ringrift.datasets.manifest import FORMAT, Manifest, Shard, manifest_path, read_manifest, write_manifest
from ringrift.datasets.shards import digest, write_shard
from ringrift.encoding import feature_version
from ringrift.game import get_board, policy_size
from ringrift.networks import NetworkConfig, flops

GPU: Final = "H100"
PEAK: Final = 989e12
"""Operations a second that one H100 SXM has in dense bfloat16, by NVIDIA's data sheet."""
SHARE_OF_PEAK: Final = 0.4
"""Assumed, not measured: what large convolutions reach in training. Trunks as narrow as these, on boards as small, will
reach less, so the figures for the GPU are what it takes at most."""
PASSES: Final = 3
"""Training costs about three forward passes: the backward pass has two products for every one."""
FEATURES: Final = "v2"
SHARDS: Final = 4
SHARD: Final = 50_000
"""The samples of a shard of data sets that are there to be long."""
BYTES: Final = 256_000_000
"""The bytes of features in a synthetic data set: several times what the caches of a processor hold."""


@dataclass(frozen=True)
class LoaderSpeed:
    """Speed of the loader for one config, all pages in memory."""

    config: str
    batch: int
    workers: int
    augment: bool
    samples: int
    """The samples in the data set."""
    samples_per_second: float
    """The samples per second by the clock."""
    bytes_per_second: float
    """The bytes of batches per second by the clock."""
    samples_per_core_second: float
    """The samples per second of processor time, which other programs on the machine hardly change."""


@dataclass(frozen=True)
class Demand:
    """The samples that training on one GPU takes."""

    config: str
    architecture: str
    gpu: str
    flops_per_sample: float
    """`PASSES` times those of a forward pass with the logits of legal actions left out."""
    samples_per_second: float
    """`PEAK` × `SHARE_OF_PEAK` / `flops_per_sample`."""
    ratio: float
    """The samples per second of the loader, by the clock, for each that the GPU takes."""
    cores: float
    """The cores that keep the GPU busy, by the loader's processor time."""


def measure_loader(
    board: str,
    players: int,
    *,
    batch: int,
    workers: int,
    samples: int | None = None,
    augment: bool = True,
    repeats: int = 5,
) -> LoaderSpeed:
    """Measure epochs of a synthetic data set in a temporary folder; the median of the repeats."""
    row = int(np.prod(feature_version(FEATURES).features_shape(get_board(board))))
    with tempfile.TemporaryDirectory() as folder:
        path = write_synthetic(Path(folder), board, players, samples or BYTES // row)
        dataset = open_dataset(path)
        loader = Loader(dataset, batch=batch, workers=workers, augment=augment)
        batches = iter(loader)
        count = max(dataset.samples // batch, 1)
        _drain(batches, count)  # kernels compiled, pages in memory, queue full
        figures = [_drain(batches, count) for _ in range(repeats)]
        del batches
    seconds = median(figure.seconds for figure in figures)
    return LoaderSpeed(
        config=f"{board}_{players}p",
        batch=batch,
        workers=workers,
        augment=augment,
        samples=dataset.samples,
        samples_per_second=count * batch / seconds,
        bytes_per_second=median(figure.bytes / figure.seconds for figure in figures),
        samples_per_core_second=count * batch / median(figure.processor for figure in figures),
    )


def training_demand(architecture: str, speed: LoaderSpeed) -> Demand:
    """Return what training this network takes, beside what the loader gives."""
    board, _, players = speed.config.rpartition("_")
    forward = flops(NetworkConfig.of(architecture, board, int(players[0]), FEATURES), whole_policy=False)
    taken = PEAK * SHARE_OF_PEAK / (PASSES * forward)
    ratio = speed.samples_per_second / taken
    return Demand(
        speed.config, architecture, GPU, PASSES * forward, taken, ratio, taken / speed.samples_per_core_second
    )


@dataclass(frozen=True)
class LoaderMemory:
    """The most memory of its own that a process has had that streamed this many samples; mapped files left out."""

    config: str
    samples: int
    megabytes: float


MEASURE_MEMORY: Final = """
import sys
from pathlib import Path
from ringrift.benchmarks.memory import own_megabytes
from ringrift.datasets import open_dataset
from ringrift.datasets.loader import Loader
print(max(own_megabytes() for _ in Loader(open_dataset(Path(sys.argv[1])), batch=1024, epochs=1)))
"""


def measure_loader_memory(board: str, players: int, samples: int) -> LoaderMemory:
    """Stream an epoch in a process of its own; the shards are one file under many entries of the manifest."""
    shard_samples = min(samples, SHARD)
    with tempfile.TemporaryDirectory() as folder:
        path = write_synthetic(Path(folder), board, players, shard_samples, 1, copies=samples // shard_samples)
        most = measured(MEASURE_MEMORY, path)
        return LoaderMemory(f"{board}_{players}p", read_manifest(path).samples, most)


def write_synthetic(
    folder: Path, board: str, players: int, samples: int, shards: int = SHARDS, *, copies: int = 1
) -> Path:
    """Write a data set of random numbers with shapes and numbers of legal actions as in play, and return its manifest.

    Of more than one copy each stands in the same files.
    """
    draw = np.random.default_rng(1)
    listed = []
    for number, part in enumerate(np.array_split(np.arange(samples), shards)):
        file = folder / f"synthetic-{number:05d}.npz"
        with file.open("wb") as opened:
            write_shard(opened, _members(draw, board, players, len(part)))
        listed.append(Shard(name=file.name, samples=len(part), games=1, bytes=file.stat().st_size, sha256=digest(file)))
    path = manifest_path(folder, "synthetic")
    write_manifest(
        path,
        Manifest(
            format=FORMAT,
            config=f"{board}_{players}p",
            encoder=FEATURES,
            part="training",
            holdout_share=0.0,
            samples=samples * copies,
            policies=samples * copies,
            games=shards * copies,
            shards=tuple(listed * copies),
            provenance={},
        ),
    )
    return path


def _members(draw: np.random.Generator, board: str, players: int, count: int) -> dict[str, Any]:
    """Return the members of a shard with `samples` samples."""
    geometry, version = get_board(board), feature_version(FEATURES)
    planes, height, width = version.features_shape(geometry)
    legal = LEGAL_ACTIONS[board]
    offsets = np.concatenate([[0], np.cumsum(draw.integers(1, 2 * legal, count))])
    actions = draw.integers(0, policy_size(geometry), offsets[-1], np.int32)
    shares = draw.integers(0, 2 * 65535 // legal, offsets[-1], np.uint16)
    return {
        "features": draw.integers(0, 4, (count, planes, height, width), np.uint8),
        "globals": draw.random((count, len(version.globals)), np.float32),
        "outcome_values": draw.random((count, players), np.float32),
        "root_values": draw.integers(-32767, 32767, (count, players), np.int16),
        "policy_offsets": offsets,
        "policy_actions": actions,
        "policy_probs": shares,
        "has_policy": np.ones(count, np.uint8),
        "opponent_policy_offsets": offsets,
        "opponent_policy_actions": actions,
        "opponent_policy_probs": shares,
        "ownership": draw.integers(0, players + 1, (count, height, width), np.uint8),
        "moves_left": draw.integers(0, 200, count, np.uint16),
        "sample_weights": draw.random(count, np.float32),
        "game": np.zeros(count, np.int64),
        "action_index": np.arange(count, dtype=np.int32),
        "games": np.array([b"synthetic"], "S16"),
        "facts": np.zeros(1, FACTS),
    }


class _Run(NamedTuple):
    seconds: float
    processor: float
    """The processor seconds of all threads."""
    bytes: int


def _drain(batches: Iterator[Batch], count: int) -> _Run:
    """Take `count` batches."""
    start, processor = time.perf_counter(), time.process_time()
    size = sum(tensor.nbytes for batch in islice(batches, count) for tensor in batch)
    return _Run(time.perf_counter() - start, time.process_time() - processor, size)
