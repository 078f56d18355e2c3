"""Merge: data sets of one config and encoding become one, with every game once, in the order of the identities.

So the merged data set has the samples that an export of all their games would have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from heapq import merge as merge_sorted
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ringrift.datasets.layout import IDENTITY_BYTES, OFFSETS, RAGGED, BadDataset
from ringrift.datasets.manifest import FORMAT, Manifest, find_manifest, manifest_path, read_manifest
from ringrift.datasets.shards import Arrays, check_forms, open_shard
from ringrift.datasets.writer import ShardBuffer, new_dataset, publish

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

SAME: Final = ("config", "encoder", "part", "holdout_share")
"""What data sets have to agree in."""


@dataclass(frozen=True)
class MergeReport:
    """What a merge has done. Prints as a line on a rich console."""

    dataset: str
    games: int
    samples: int
    duplicates: int
    """Games that were in several."""

    def to_json(self) -> dict[str, Any]:
        """All of it, for machines."""
        return asdict(self)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        several = f"{self.duplicates:,} games were in several"
        yield f"{self.dataset}: {self.samples:,} samples of {self.games:,} games; {several}"


def merge(
    datasets: Sequence[Path],
    folder: Path,
    name: str,
    shard_samples: int,
    *,
    on_progress: Callable[[int, int], object] | None = None,
) -> MergeReport:
    """Merge data sets into one of that name; of a game that is in several the first is taken.

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
    games = merge_sorted(*(_games(path, manifest) for path, manifest in zip(paths, manifests, strict=True)), key=_key)
    last = b""
    duplicates = 0
    with new_dataset(folder, name, first.layout, shard_samples) as writer:
        for done, (identity, arrays, rows) in enumerate(games, 1):
            if identity == last:
                duplicates += 1
            else:
                writer.make_room(rows.stop - rows.start)
                _copy(writer.buffer, identity, arrays, rows)
            last = identity
            if on_progress:
                on_progress(done, total)
    manifest = Manifest(
        format=FORMAT,
        **{field: getattr(first, field) for field in SAME},
        samples=writer.samples,
        policies=writer.policies,
        games=writer.games,
        shards=tuple(writer.shards),
        provenance={"merged": [manifest.provenance for manifest in manifests]},
    )
    publish(folder, name, manifest)
    return MergeReport(str(manifest_path(folder, name)), manifest.games, manifest.samples, duplicates)


def _key(game: tuple[bytes, Arrays, slice]) -> bytes:
    return game[0]


def _games(path: Path, manifest: Manifest) -> Iterator[tuple[bytes, Arrays, slice]]:
    """Identity, arrays and rows of the games of a data set, in the order of their identities."""
    for shard in manifest.shards:
        arrays = open_shard(path.parent / shard.name)
        check_forms(path.parent / shard.name, arrays, manifest.layout)
        identities = np.ascontiguousarray(arrays["games"]).view(np.uint8).reshape(-1, IDENTITY_BYTES)
        bounds = np.searchsorted(arrays["game"], np.arange(len(identities) + 1)).tolist()
        for index, identity in enumerate(map(bytes, identities)):
            yield identity, arrays, slice(bounds[index], bounds[index + 1])


def _copy(buffer: ShardBuffer, identity: bytes, arrays: Arrays, rows: slice) -> None:
    """Add a game's samples to a shard."""
    samples = rows.stop - rows.start
    spans = {name: slice(*arrays[name][[rows.start, rows.stop]].tolist()) for name in OFFSETS}
    entries, replies = (span.stop - span.start for span in spans.values())
    number = len(buffer.games)
    features, globals, room = buffer.grow([identity], samples, entries, replies)
    features[:] = arrays["features"][rows]
    globals[:] = arrays["globals"][rows]
    for name, target in room._asdict().items():
        if name in RAGGED:
            target[:] = arrays[name][spans[f"{name.split('_')[0]}_offsets"]]
        elif name.endswith("_ends"):
            offsets = arrays[name.replace("ends", "offsets")]
            target[:] = offsets[rows.start + 1 : rows.stop + 1] - offsets[rows.start]
        else:
            target[:] = number if name == "game" else arrays[name][rows]
    buffer.settle(samples)
