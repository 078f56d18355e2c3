"""A data set that is open to be read: all its shards mapped into memory.

Nothing is read before it is asked for: the system keeps in memory what fits, and drops it when others need the room.
Opening checks what is cheap: that every array is there, whole, and of the type and shape that the manifest implies.
`Dataset.verify` reads everything and compares the checksums.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from ringrift.datasets.layout import AGAIN, POLICIES, BadDataset
from ringrift.datasets.manifest import Manifest, find_manifest, read_manifest
from ringrift.datasets.shards import Arrays, check_forms, digest, open_shard
from ringrift.run_context import Progress


@dataclass(frozen=True)
class Dataset:
    """All shards of a data set, mapped; none of them is empty."""

    path: Path
    """The path of the manifest."""
    manifest: Manifest
    paths: tuple[Path, ...]
    """The paths of the shards."""
    shards: tuple[Arrays, ...]
    """Their members by name, read-only; see `ringrift.datasets.layout`."""

    @property
    def samples(self) -> int:
        """The number of samples in all shards."""
        return sum(self.lengths)

    @property
    def lengths(self) -> list[int]:
        """The number of samples of every shard."""
        return [shard.samples for shard in self.manifest.shards]

    @property
    def identity(self) -> str:
        """A hash that two data sets share only if they hold the same samples in the same order."""
        return hashlib.sha256(" ".join(shard.sha256 for shard in self.manifest.shards).encode()).hexdigest()

    def verify(self, progress: Progress) -> None:
        """Read all shards and compare their checksums; `BadDataset` names the first that differs."""
        for index, (shard, path) in enumerate(zip(self.manifest.shards, self.paths, strict=True)):
            if digest(path) != shard.sha256:
                raise BadDataset(f"{path}: the checksum differs from that in {self.path.name}; {AGAIN}")
            progress("checking files", index + 1, len(self.paths))


def open_dataset(path: Path) -> Dataset:
    """Map the data set that its manifest names, with or without `.json`; raise `BadDataset` that says what is wrong."""
    path = find_manifest(path)
    manifest = read_manifest(path)
    if not manifest.samples:
        raise BadDataset(f"{path}: has no samples, so there is nothing to learn from; export more games")
    for shard in manifest.shards:
        if shard.samples < 1:
            raise BadDataset(f"{path}: lists {shard.name} with {shard.samples} samples; {AGAIN}")
    paths = tuple(path.with_name(shard.name) for shard in manifest.shards)
    shards = tuple(open_shard(file) for file in paths)
    for file, arrays, shard in zip(paths, shards, manifest.shards, strict=True):
        check_forms(file, arrays, manifest.layout)
        if len(arrays["game"]) != shard.samples:
            raise BadDataset(f"{file}: holds {len(arrays['game'])} samples, not {shard.samples}; {AGAIN}")
        for policy in POLICIES:
            if len(arrays[f"{policy}_actions"]) != len(arrays[f"{policy}_probs"]):
                raise BadDataset(f"{file}: {policy}_actions and {policy}_probs differ in length; {AGAIN}")
    return Dataset(path, manifest, paths, shards)
