"""A data set on its way to the disk: there at once or not at all.

Two shards are in memory: one that is filled, and one that is written.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from ringrift.datasets.layout import IDENTITY, IDENTITY_BYTES, OFFSETS, RAGGED, BadDataset, Layout
from ringrift.datasets.manifest import Manifest, Shard, manifest_path, read_manifest, write_manifest
from ringrift.datasets.samples import Rows
from ringrift.datasets.shards import Arrays, digest, write_shard
from ringrift.game.errors import UnwritableFile
from ringrift.game.files import new_file

ABANDONED_SECONDS: Final = 3600
"""A temporary file that has not been written to for so long is one of a process that was killed."""


class ShardBuffer:
    """The arrays of a shard that grows up to a number of samples."""

    def __init__(self, layout: Layout, capacity: int) -> None:
        self.layout = layout
        self.capacity = capacity
        # Memory that is never written to is never used, so that a small data set does not take that of a shard.
        self._rows: Arrays = {name: np.empty((capacity, *shape), dtype) for name, (dtype, shape) in layout.rows.items()}
        self._offsets = {name: np.zeros(capacity + 1, np.int64) for name in OFFSETS}
        self.clear()

    def clear(self) -> None:
        """Forget all samples."""
        self.samples = 0
        self.games: list[bytes] = []
        self._entries: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in RAGGED}

    @property
    def room(self) -> int:
        """How many more samples it can take."""
        return self.capacity - self.samples

    @property
    def policies(self) -> int:
        """Samples with a policy to learn."""
        return int(self._rows["policy_kind"][: self.samples].sum())

    def grow(
        self, games: list[bytes], samples: int, entries: int, replies: int
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32], Rows]:
        """Make room for games: features, globals and the other members of their samples, to be written.

        The ends of policies count from the first of the new samples; `settle` has to follow.
        """
        first, end = self.samples, self.samples + samples
        self.samples = end
        self.games += games
        for name, size in zip(RAGGED, (entries, entries, replies, replies), strict=True):
            self._entries[name].append(np.empty(size, RAGGED[name]))
        rows: Arrays = {name: array[first:end] for name, array in self._rows.items()}
        ends: Arrays = {name.replace("offsets", "ends"): self._offsets[name][first + 1 : end + 1] for name in OFFSETS}
        ragged: Arrays = {name: parts[-1] for name, parts in self._entries.items()}
        features, globals = rows.pop("features"), rows.pop("globals")
        return features, globals, Rows(**rows, **ends, **ragged)

    def settle(self, samples: int) -> None:
        """Let the offsets of the last so many samples go on from those before them."""
        first = self.samples - samples
        for offsets in self._offsets.values():
            offsets[first + 1 : self.samples + 1] += offsets[first]

    def arrays(self) -> Arrays:
        """The members of the shard."""
        found: Arrays = {name: array[: self.samples] for name, array in self._rows.items()}
        found |= {name: array[: self.samples + 1] for name, array in self._offsets.items()}
        found |= {name: np.concatenate([np.empty(0, RAGGED[name]), *parts]) for name, parts in self._entries.items()}
        identities = np.frombuffer(b"".join(self.games), np.uint8).reshape(-1, IDENTITY_BYTES)
        return found | {"games": identities.view(IDENTITY).reshape(-1)}


class DatasetWriter:
    """Shards that are written, and the one at hand. While a thread writes one, the next is filled."""

    def __init__(self, folder: Path, name: str, layout: Layout, shard_samples: int, files: ExitStack) -> None:
        self.folder = folder
        self.name = name
        self.layout = layout
        self.buffer = ShardBuffer(layout, shard_samples)
        self.shards: list[Shard] = []
        """Those that have been written."""
        self.policies = 0
        self.samples = 0
        """Samples of all shards but the one at hand."""
        self._spare: ShardBuffer | None = None
        self._files = files
        self._begun = 0
        self._writing: Future[Shard] | None = None
        self._thread = ThreadPoolExecutor(1)

    @property
    def games(self) -> int:
        """Games of the shards that have been written."""
        return sum(shard.games for shard in self.shards)

    def make_room(self, samples: int) -> None:
        """Begin a new shard if a game of so many samples does not fit into the one at hand."""
        if samples <= self.buffer.room:
            return
        if self.buffer.samples:
            self._write(f"{self.name}-{self._begun:05}.npz")
        if samples > self.buffer.room:
            self.buffer = ShardBuffer(self.layout, samples)

    def finish(self) -> None:
        """Write the last shard, which gets no number if it is the only one, and wait until all are written."""
        if self.buffer.samples:
            self._write(f"{self.name}-{self._begun:05}.npz" if self._begun else f"{self.name}.npz")
        self._wait()

    def close(self) -> None:
        """End the thread, when it is done with what it is doing."""
        self._thread.shutdown()

    def _write(self, name: str) -> None:
        """Let the thread write the shard at hand, and go on with an empty one."""
        self._wait()
        file = self._files.enter_context(new_file(self.folder / name))
        full = self.buffer
        self._writing = self._thread.submit(self._write_file, file, full, name)
        self._begun += 1
        self.samples += full.samples
        self.policies += full.policies
        self.buffer = self._spare or ShardBuffer(self.layout, full.capacity)
        self.buffer.clear()
        self._spare = full

    def _wait(self) -> None:
        if self._writing is not None:
            self.shards.append(self._writing.result())
            self._writing = None

    def _write_file(self, file: IO[bytes], buffer: ShardBuffer, name: str) -> Shard:
        try:
            write_shard(file, buffer.arrays())
            file.flush()
            with ThreadPoolExecutor(1) as beside:
                # Now, so that all shards take their names one right after the other in the end.
                safe = beside.submit(os.fsync, file.fileno())
                path = Path(file.name)
                shard = Shard(
                    name=name,
                    samples=buffer.samples,
                    games=len(buffer.games),
                    bytes=path.stat().st_size,
                    sha256=digest(path),
                )
                safe.result()
        except OSError as error:
            raise UnwritableFile(
                f"{self.folder / name}: cannot be written ({error.strerror or error}); the data set that was there "
                "before is untouched"
            ) from None
        return shard


@contextmanager
def new_dataset(folder: Path, name: str, layout: Layout, shard_samples: int) -> Iterator[DatasetWriter]:
    """A writer of shards. They take their names when the block ends well; `publish` then makes them a data set.

    Until then everything is under temporary names, and the data set of that name remains as it was.
    """
    _sweep(folder, name)
    with ExitStack() as files:
        writer = DatasetWriter(folder, name, layout, shard_samples, files)
        try:
            yield writer
            writer.finish()
        finally:
            writer.close()


def publish(folder: Path, name: str, manifest: Manifest) -> None:
    """Write the manifest, and remove the shards of an older data set that it no longer names."""
    path = manifest_path(folder, name)
    try:
        old = {shard.name for shard in read_manifest(path).shards}
    except BadDataset:
        old = set()
    write_manifest(path, manifest)
    for leftover in old - {shard.name for shard in manifest.shards}:
        (folder / leftover).unlink(missing_ok=True)


def _sweep(folder: Path, name: str) -> None:
    """Remove what killed processes have left behind."""
    partial = re.compile(rf"\.{re.escape(name)}(-\d+)?\.(npz|json)\.\d+\.partial")
    for path in folder.glob(".*.partial"):
        if partial.fullmatch(path.name) and time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
            path.unlink(missing_ok=True)
