"""A data set on its way to the disk: it is there at once or not at all.

Shards have names that no other shard ever has (`sharding.py`), so they can take them as soon as they are whole: what
is a data set, and what is not, is up to the manifest, which is replaced in one step. Whatever kills the process, there
is the old data set or the new one. What the manifest does not name is taken up again or removed by the next export.

Three things go on at once: a shard is filled, the one before is copied to its file, and the one before that is made
safe. Two shards are in memory.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from ringrift.datasets.layout import FACTS, IDENTITY, IDENTITY_BYTES, OFFSETS, RAGGED, BadDataset, BusyDataset, Layout
from ringrift.datasets.manifest import Manifest, Shard, manifest_path, read_manifest, write_manifest
from ringrift.datasets.samples import ShardRows
from ringrift.datasets.shards import Arrays, check_forms, digest, open_shard, write_shard
from ringrift.errors import UnwritableFile
from ringrift.files import alone, new_file


class ShardBuffer:
    """The arrays of a shard that grows."""

    def __init__(self, layout: Layout, capacity: int) -> None:
        """Make room for `capacity` samples at first."""
        self.layout = layout
        # Memory that is never written to is never used, so that a small data set does not take that of a shard.
        self._rows: Arrays = {name: np.empty((capacity, *shape), dtype) for name, (dtype, shape) in layout.rows.items()}
        self._offsets = {name: np.zeros(capacity + 1, np.int64) for name in OFFSETS}
        self.clear()

    def clear(self) -> None:
        """Forget all samples."""
        self.samples = 0
        self.games: list[bytes] = []
        self._facts: list[npt.NDArray[Any]] = []
        self._entries: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in RAGGED}

    @property
    def room(self) -> int:
        """The number of samples that it can still take as it is."""
        return len(self._rows["game"]) - self.samples

    @property
    def policies(self) -> int:
        """The number of samples that have a policy."""
        return int(self._rows["has_policy"][: self.samples].sum())

    @property
    def facts(self) -> npt.NDArray[Any]:
        """`[games]`, of `FACTS`, the facts of the games."""
        return np.concatenate([np.empty(0, FACTS), *self._facts])

    @property
    def outcome_values(self) -> npt.NDArray[np.float32]:
        """`[N, P]`, the values of the final ranks, relative."""
        return self._rows["outcome_values"][: self.samples]

    def grow(
        self, games: list[bytes], facts: npt.NDArray[Any], samples: int, policy_entries: int, opponent_entries: int
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32], ShardRows]:
        """Make room for games of these facts: features, globals and the other members of their samples, to be written.

        The ends of policies count from the first of the new samples; `settle` has to follow.
        """
        first, end = self.samples, self.samples + samples
        if samples > self.room:
            self._rows = {name: _longer(array, end) for name, array in self._rows.items()}
            self._offsets = {name: _longer(array, end + 1) for name, array in self._offsets.items()}
        self.samples = end
        self.games += games
        self._facts.append(facts)
        for name, size in zip(
            RAGGED, (policy_entries, policy_entries, opponent_entries, opponent_entries), strict=True
        ):
            self._entries[name].append(np.empty(size, RAGGED[name]))
        rows: Arrays = {name: array[first:end] for name, array in self._rows.items()}
        ends: Arrays = {name.replace("offsets", "ends"): self._offsets[name][first + 1 : end + 1] for name in OFFSETS}
        ragged: Arrays = {name: parts[-1] for name, parts in self._entries.items()}
        features, globals = rows.pop("features"), rows.pop("globals")
        return features, globals, ShardRows(**rows, **ends, **ragged)

    def settle(self, samples: int) -> None:
        """Let the offsets of the last `samples` samples go on from those before them."""
        first = self.samples - samples
        for offsets in self._offsets.values():
            offsets[first + 1 : self.samples + 1] += offsets[first]

    def arrays(self) -> Arrays:
        """Return the members of the shard."""
        arrays: Arrays = {name: array[: self.samples] for name, array in self._rows.items()}
        arrays |= {name: array[: self.samples + 1] for name, array in self._offsets.items()}
        arrays |= {name: np.concatenate([np.empty(0, RAGGED[name]), *parts]) for name, parts in self._entries.items()}
        identities = np.frombuffer(b"".join(self.games), np.uint8).reshape(-1, IDENTITY_BYTES)
        return arrays | {"games": identities.view(IDENTITY).reshape(-1), "facts": self.facts}


def _longer(array: npt.NDArray[Any], length: int) -> npt.NDArray[Any]:
    return np.concatenate([array, np.empty((length - len(array), *array.shape[1:]), array.dtype)])


class DatasetWriter:
    """The shards of a data set, in their order, either written or found to be there."""

    def __init__(self, folder: Path, name: str, layout: Layout, capacity: int) -> None:
        """Write shards that are expected to have `capacity` samples at most."""
        self.folder = folder
        self.name = name
        self.layout = layout
        self.buffer = ShardBuffer(layout, capacity)
        """The shard at hand."""
        self.samples = 0
        """The number of samples of all shards but the one at hand."""
        self.policies = 0
        self.kept = 0
        """The number of samples of the shards that were there already."""
        self._capacity = capacity
        self._spare: ShardBuffer | None = None
        self._known = {shard.name: shard for shard in _listed(manifest_path(folder, name))}
        self._shards: list[Shard | Future[Future[Shard]]] = []
        self._written: list[Path] = []
        self._copying: Future[Future[Shard]] | None = None
        self._settling: Future[Shard] | None = None
        self._copier, self._settler = ThreadPoolExecutor(1), ThreadPoolExecutor(1)

    def keep(self, key: str) -> Arrays | None:
        """Take the shard of that key as the next one, if it is there and whole: its arrays.

        Whether its bytes are still those of its checksum is not read again.
        """
        path = self._path(key)
        known = self._known.get(path.name)
        try:
            size = path.stat().st_size
            arrays = open_shard(path)
            check_forms(path, arrays, self.layout)
        except (OSError, BadDataset):
            return None
        if known is None:  # of an export that was interrupted
            known = Shard(
                name=path.name,
                samples=len(arrays["game"]),
                games=len(arrays["games"]),
                bytes=size,
                sha256=digest(path),
            )
        elif (known.bytes, known.samples) != (size, len(arrays["game"])):
            return None
        self._shards.append(known)
        self.samples += known.samples
        self.kept += known.samples
        self.policies += int(arrays["has_policy"].sum())
        return arrays

    def write(self, key: str) -> None:
        """Let the shard at hand be written, and go on with an empty one; nothing if it has no samples."""
        full = self.buffer
        if not full.samples:
            return
        if self._copying is not None:
            self._copying.result()
        self._copying = self._copier.submit(self._copy, full, self._path(key))
        self._shards.append(self._copying)
        self.samples += full.samples
        self.policies += full.policies
        self.buffer = self._spare or ShardBuffer(self.layout, self._capacity)
        self.buffer.clear()
        self._spare = full

    def finish(self) -> tuple[Shard, ...]:
        """Return all shards, once they are safe."""
        return tuple(shard if isinstance(shard, Shard) else shard.result().result() for shard in self._shards)

    def publish(self, manifest: Manifest) -> None:
        """Replace the data set by the new one, and remove shards that are no longer named.

        If there is one shard only, `<name>.npz` is a link to it.
        """
        write_manifest(manifest_path(self.folder, self.name), manifest)
        names = [shard.name for shard in manifest.shards]
        link = self.folder / f"{self.name}.npz"
        if len(names) == 1:
            new = link.with_name(f".{link.name}.{os.getpid()}.partial")
            with suppress(OSError):  # a file system without links goes without
                new.symlink_to(names[0])
                new.replace(link)
        else:
            link.unlink(missing_ok=True)
        _remove_shards(self.folder, self.name, names)

    def close(self) -> None:
        """End the threads, when they are done with what they are doing."""
        self._copier.shutdown()
        self._settler.shutdown()

    def discard(self) -> None:
        """Remove the shards that have been written, after `close`, but for those of the data set that is there."""
        named = {shard.name for shard in _listed(manifest_path(self.folder, self.name))}
        for path in self._written:
            if path.name not in named:
                path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.folder / f"{self.name}-{key}.npz"

    def _copy(self, buffer: ShardBuffer, path: Path) -> Future[Shard]:
        """Copy a shard to its file, which is then made safe while the next one is copied."""
        with ExitStack() as files:
            file = files.enter_context(new_file(path))
            self._written.append(path)
            write_shard(file, buffer.arrays())
            file.flush()
            if self._settling is not None:
                self._settling.result()  # else all of a data set could wait in memory for the disk
            self._settling = self._settler.submit(
                self._settle, files.pop_all(), file, path.name, buffer.samples, len(buffer.games)
            )
        return self._settling

    def _settle(self, files: ExitStack, file: IO[bytes], name: str, samples: int, games: int) -> Shard:
        """Make a file safe and let it take its name, reading its checksum meanwhile."""
        with files, ThreadPoolExecutor(1) as beside:
            safe = beside.submit(os.fsync, file.fileno())
            path = Path(file.name)
            shard = Shard(name=name, samples=samples, games=games, bytes=path.stat().st_size, sha256=digest(path))
            safe.result()
        return shard


@contextmanager
def new_dataset(
    folder: Path, name: str, layout: Layout, capacity: int, *, shared: bool = False
) -> Iterator[DatasetWriter]:
    """Yield a writer of shards, whose `publish` makes them a data set; until then, that of before remains.

    Writers that are `shared` work side by side, and publish nothing. `BusyDataset` if another process is writing the
    data set. If the block ends badly, shards remain for the next
    attempt, unless it was for want of room.
    """
    with _alone(folder, name, shared=shared):
        if not shared:
            _sweep(folder, name)
        writer = DatasetWriter(folder, name, layout, capacity)
        try:
            yield writer
        except UnwritableFile as error:
            writer.close()
            writer.discard()
            raise UnwritableFile(f"{error}; the data set that was there before is untouched") from None
        finally:
            writer.close()


def remove_dataset(folder: Path, name: str) -> None:
    """Remove a data set, if there is one."""
    if manifest_path(folder, name).exists():
        with _alone(folder, name):
            manifest_path(folder, name).unlink(missing_ok=True)
            (folder / f"{name}.npz").unlink(missing_ok=True)
            _remove_shards(folder, name, ())


def _alone(folder: Path, name: str, *, shared: bool = False) -> AbstractContextManager[None]:
    """Keep other processes from writing the same data set."""
    path = folder / f".{name}.lock"
    busy = BusyDataset(f"{folder / name}: is being written by another process; wait for it to end")
    return alone(path, path, busy, shared=shared)


def _remove_shards(folder: Path, name: str, but: Sequence[str]) -> None:
    """Remove the shards of a data set but those of these names."""
    form = re.compile(rf"{re.escape(name)}-[0-9a-f]{{16}}\.npz")
    for path in list(folder.iterdir()):
        if form.fullmatch(path.name) and path.name not in but:
            path.unlink(missing_ok=True)


def _sweep(folder: Path, name: str) -> None:
    """Remove the files that killed processes have not finished."""
    partial = re.compile(rf"\.{re.escape(name)}(-[0-9a-f]+)?\.(npz|json)\.\d+\.partial")
    for path in list(folder.iterdir()):
        if partial.fullmatch(path.name):
            path.unlink(missing_ok=True)


def _listed(path: Path) -> tuple[Shard, ...]:
    """Return the shards of a manifest, none if it cannot be read."""
    try:
        return read_manifest(path).shards
    except BadDataset:
        return ()
