"""Merge: data sets of one config and encoding become one, with every game once, in the order in which they come.

So the merged data set has the samples that an export of all their games would have, each with the weight that it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ringrift.datasets.layout import OFFSETS, RAGGED, BadDataset
from ringrift.datasets.manifest import FORMAT, Manifest, find_manifest, manifest_path, read_manifest
from ringrift.datasets.quality import Gathered, dataset_quality
from ringrift.datasets.settings import QualitySettings
from ringrift.datasets.sharding import KEY_BYTES
from ringrift.datasets.shards import Arrays, check_forms, game_identities, open_shard
from ringrift.datasets.writer import DatasetWriter, ShardBuffer, new_dataset
from ringrift.run_context import RunContext

SAME: Final = ("config", "encoder", "part", "holdout_share")
"""The fields in which data sets have to agree."""


@dataclass(frozen=True)
class DatasetMergeReport:
    """The result of a merge."""

    dataset: str
    games: int
    samples: int
    duplicates: int
    """The number of games that were in several data sets."""

    def to_json(self) -> dict[str, Any]:
        """Return the report for machines."""
        return asdict(self)


def merge(
    datasets: Sequence[Path],
    folder: Path,
    name: str,
    shard_samples: int,
    context: RunContext[QualitySettings],
) -> DatasetMergeReport:
    """Merge data sets into one of that name; of a game that is in several the first is taken.

    Shards have `shard_samples` samples at most; the settings say how the quality of the whole is told.
    `BadDataset` if they do not fit together.
    """
    paths = [find_manifest(dataset) for dataset in datasets]
    manifests = [read_manifest(path) for path in paths]
    first = manifests[0]
    for path, manifest in zip(paths, manifests, strict=True):
        for field in SAME:
            mine, theirs = getattr(first, field), getattr(manifest, field)
            if mine != theirs:
                raise BadDataset(f"{path}: {field} is {theirs}, and that of {paths[0]} is {mine}")
    total = sum(manifest.games for manifest in manifests)
    inputs = blake2b(digest_size=KEY_BYTES)
    for shard in chain.from_iterable(manifest.shards for manifest in manifests):
        inputs.update(shard.sha256.encode())
    seen: set[bytes] = set()
    gathered = Gathered()
    done = 0
    with new_dataset(folder, name, first.layout, shard_samples) as writer:
        for path, manifest in zip(paths, manifests, strict=True):
            for identity, facts, arrays, rows in _games(path, manifest):
                samples = rows.stop - rows.start
                if identity not in seen:
                    seen.add(identity)
                    if samples > writer.buffer.room:
                        _write(writer, inputs, gathered)
                    _copy(writer.buffer, identity, facts, arrays, rows)
                done += 1
                context.progress("merging", done, total)
        _write(writer, inputs, gathered)
        shards = writer.finish()
        merged = Manifest(
            format=FORMAT,
            **{field: getattr(first, field) for field in SAME},
            samples=writer.samples,
            policies=writer.policies,
            games=len(seen),
            shards=shards,
            provenance={
                "merged": [manifest.provenance for manifest in manifests],
                "quality": asdict(dataset_quality(gathered, context.settings, first.config)),
            },
        )
        writer.publish(merged)
    return DatasetMergeReport(str(manifest_path(folder, name)), merged.games, merged.samples, done - merged.games)


def _write(writer: DatasetWriter, inputs: blake2b, gathered: Gathered) -> None:
    """Write the shard at hand, if there is anything in it; it is called by what is merged, and by its place."""
    inputs.update(b"next")
    gathered.add(writer.buffer.facts, writer.buffer.outcome_values, writer.buffer.policies)
    writer.write(inputs.hexdigest())


def _games(path: Path, manifest: Manifest) -> Iterator[tuple[bytes, npt.NDArray[Any], Arrays, slice]]:
    """Yield identity, facts `[1]`, arrays and rows of the games of a data set."""
    for shard in manifest.shards:
        arrays = open_shard(path.parent / shard.name)
        check_forms(path.parent / shard.name, arrays, manifest.layout)
        identities = game_identities(arrays)
        bounds = np.searchsorted(arrays["game"], np.arange(len(identities) + 1)).tolist()
        for index, identity in enumerate(identities):
            yield identity, arrays["facts"][index : index + 1], arrays, slice(bounds[index], bounds[index + 1])


def _copy(buffer: ShardBuffer, identity: bytes, facts: npt.NDArray[Any], arrays: Arrays, rows: slice) -> None:
    """Add a game's samples to a shard."""
    samples = rows.stop - rows.start
    spans = {name: slice(*arrays[name][[rows.start, rows.stop]].tolist()) for name in OFFSETS}
    entries, opponent_entries = (span.stop - span.start for span in spans.values())
    number = len(buffer.games)
    features, globals, room = buffer.grow([identity], facts, samples, entries, opponent_entries)
    features[:] = arrays["features"][rows]
    globals[:] = arrays["globals"][rows]
    for name, target in room._asdict().items():
        if name in RAGGED:
            target[:] = arrays[name][spans[f"{name.rpartition('_')[0]}_offsets"]]
        elif name.endswith("_ends"):
            offsets = arrays[name.replace("ends", "offsets")]
            target[:] = offsets[rows.start + 1 : rows.stop + 1] - offsets[rows.start]
        else:
            target[:] = number if name == "game" else arrays[name][rows]
    buffer.settle(samples)
