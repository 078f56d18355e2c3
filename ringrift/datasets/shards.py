"""Datasets on disk: a manifest `<name>.json`, and shards, NPZ files whose members are stored as they are.

A stored member is the array itself, behind a header in the zip file and one in the member, so it is mapped into memory
and nothing is read before it is asked for. The kernel keeps in memory what fits, and drops it when others need it.

Opening checks whatever is cheap: names, types, shapes, and that every byte is there. `Dataset.verify` reads everything
and compares the checksums of the manifest.
"""

from __future__ import annotations

import ast
import hashlib
import json
import mmap
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ringrift.datasets.errors import DamagedDataset, MissingDataset
from ringrift.encoding import FeatureVersion, UnknownVersion, feature_version
from ringrift.game import Board, UnknownConfig, parse_config

AGAIN: Final = "export it or copy it again"


class Shard(NamedTuple):
    """The members of one shard, read-only, mapped from its file.

    N samples of P players: C planes of H × W pixels, G globals, L policy entries, R reply entries, M games. `relative`
    means: from the player to act on, in the order of the seats.
    """

    features: npt.NDArray[np.uint8]
    """`[N, C, H, W]`."""
    globals: npt.NDArray[np.float32]
    """`[N, G]`."""
    values: npt.NDArray[np.float32]
    """`[N]`: the value of the final rank of the player to act."""
    values_mp: npt.NDArray[np.float32]
    """`[N, P]`: the same for all players, relative."""
    root_values: npt.NDArray[np.int16]
    """`[N, P]`: what the search thought, relative, in units of 1/32767; 0 where there was no search."""
    policy_offsets: npt.NDArray[np.int64]
    """`[N + 1]`: the entries of sample n are `offsets[n] : offsets[n + 1]`."""
    policy_indices: npt.NDArray[np.int32]
    """`[L]`: every legal action."""
    policy_values: npt.NDArray[np.uint16]
    """`[L]`: its share, in units of 1/65535."""
    policy_kind: npt.NDArray[np.uint8]
    """`[N]`: 1 if the policy is a target, 0 if only the values are."""
    reply_offsets: npt.NDArray[np.int64]
    """`[N + 1]`: of the policy of the next decision of another player; empty where unknown."""
    reply_indices: npt.NDArray[np.int32]
    """`[R]`."""
    reply_values: npt.NDArray[np.uint16]
    """`[R]`."""
    owners: npt.NDArray[np.uint8]
    """`[N, H, W]`: who owns the cell at the end, 1 … P relative, 0 nobody."""
    plies_left: npt.NDArray[np.uint16]
    """`[N]`: moves until the end."""
    weights: npt.NDArray[np.float32]
    """`[N]`: how often to draw the sample, relative to the others."""
    game: npt.NDArray[np.int64]
    """`[N]`: row of `games`."""
    ply: npt.NDArray[np.int32]
    """`[N]`: index of the action in its game."""
    games: npt.NDArray[np.bytes_]
    """`[M]`: identities, 16 raw bytes."""


MEMBERS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "features": ("|u1", ("N", "C", "H", "W")),
    "globals": ("<f4", ("N", "G")),
    "values": ("<f4", ("N",)),
    "values_mp": ("<f4", ("N", "P")),
    "root_values": ("<i2", ("N", "P")),
    "policy_offsets": ("<i8", ("N + 1",)),
    "policy_indices": ("<i4", ("L",)),
    "policy_values": ("<u2", ("L",)),
    "policy_kind": ("|u1", ("N",)),
    "reply_offsets": ("<i8", ("N + 1",)),
    "reply_indices": ("<i4", ("R",)),
    "reply_values": ("<u2", ("R",)),
    "owners": ("|u1", ("N", "H", "W")),
    "plies_left": ("<u2", ("N",)),
    "weights": ("<f4", ("N",)),
    "game": ("<i8", ("N",)),
    "ply": ("<i4", ("N",)),
    "games": ("|S16", ("M",)),
}
"""Type and axes of every member. Axes that a config does not fix (L, R, M) have one length in all members."""


@dataclass(frozen=True)
class ShardInfo:
    """What the manifest says about a shard."""

    name: str
    samples: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a dataset consists of."""

    path: Path
    config: str
    features: str
    """The feature version."""
    shards: tuple[ShardInfo, ...]
    content: dict[str, Any]
    """All that the file says, where the samples come from too."""

    @property
    def samples(self) -> int:
        """In all shards."""
        return sum(shard.samples for shard in self.shards)

    @property
    def identity(self) -> str:
        """The same for two datasets only if they hold the same samples in the same order."""
        return hashlib.sha256("".join(shard.sha256 for shard in self.shards).encode()).hexdigest()


@dataclass(frozen=True)
class Dataset:
    """All shards of a dataset, mapped."""

    manifest: Manifest
    board: Board
    players: int
    version: FeatureVersion
    shards: tuple[Shard, ...]
    """At least one sample in each."""
    paths: tuple[Path, ...]
    """Of the shards."""

    @property
    def samples(self) -> int:
        """In all shards."""
        return self.manifest.samples

    def verify(self, progress: Callable[[int], object] = lambda count: None) -> None:
        """Read all shards and compare their checksums; `progress` is told the bytes of every step.

        Raises `DamagedDataset` for the first shard that differs.
        """
        for info, path in zip(self.manifest.shards, self.paths, strict=True):
            digest = hashlib.sha256()
            with path.open("rb") as file:
                while part := file.read(1 << 22):
                    digest.update(part)
                    progress(len(part))
            if digest.hexdigest() != info.sha256:
                raise DamagedDataset(f"{path}: the checksum differs from {self.manifest.path.name}: {AGAIN}")


def open_dataset(path: Path) -> Dataset:
    """Map the dataset of a manifest; `MissingDataset` or `DamagedDataset` say what is wrong with it."""
    manifest = read_manifest(path)
    try:
        board, players = parse_config(manifest.config)
        version = feature_version(manifest.features)
    except (UnknownConfig, UnknownVersion) as error:
        raise DamagedDataset(f"{path}: {error}") from None
    planes, height, width = version.features_shape(board)
    sizes = {"C": planes, "H": height, "W": width, "G": len(version.globals), "P": players}
    listed = [(info, path.with_name(info.name)) for info in manifest.shards]
    shards = tuple(open_shard(place, {**sizes, "N": info.samples}) for info, place in listed)
    return Dataset(manifest, board, players, version, shards, tuple(place for _, place in listed))


def read_manifest(path: Path) -> Manifest:
    """Read the manifest of a dataset; the shards are not touched."""
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise MissingDataset(f"{path}: there is no such manifest; export the dataset first") from None
    except OSError as error:
        raise MissingDataset(f"{path}: cannot be read ({error.strerror or error})") from None
    except ValueError:
        raise DamagedDataset(f"{path}: is no JSON: {AGAIN}") from None
    try:
        shards = tuple(ShardInfo(entry["name"], entry["samples"], entry["sha256"]) for entry in content["shards"])
        manifest = Manifest(path, content["config"], content["features"], shards, content)
    except (KeyError, TypeError):
        raise DamagedDataset(f"{path}: is no manifest of a dataset: {AGAIN}") from None
    for shard in shards:
        if not isinstance(shard.name, str) or Path(shard.name).name != shard.name:
            raise DamagedDataset(f"{path}: {shard.name!r} is no name of a file beside it: {AGAIN}")
        if not isinstance(shard.samples, int) or shard.samples < 1 or not isinstance(shard.sha256, str):
            raise DamagedDataset(f"{path}: says too little of {shard.name}: {AGAIN}")
    if not shards:
        raise DamagedDataset(f"{path}: lists no shards: there is nothing to learn from; export more games")
    return manifest


def open_shard(path: Path, sizes: dict[str, int]) -> Shard:
    """Map one shard. `sizes` are the lengths of the axes N, C, H, W, G and P."""
    sizes = {**sizes, "N + 1": sizes["N"] + 1}
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            listed = {entry.filename: entry for entry in archive.infolist()}
            members = {name: _member(mapped, path, name, listed.get(f"{name}.npy"), sizes) for name in MEMBERS}
    except FileNotFoundError:
        raise MissingDataset(f"{path}: there is no such shard, but the manifest lists it: {AGAIN}") from None
    except OSError as error:
        raise MissingDataset(f"{path}: cannot be read ({error.strerror or error})") from None
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError):
        raise DamagedDataset(f"{path}: is cut off or no NPZ file: {AGAIN}") from None
    return Shard(**members)


def _member(
    mapped: mmap.mmap, path: Path, name: str, entry: zipfile.ZipInfo | None, sizes: dict[str, int]
) -> npt.NDArray[Any]:
    """One member as an array on the mapped file; lengths of axes that are not in `sizes` are added to it."""
    if entry is None:
        raise DamagedDataset(f"{path}: has no member {name}: {AGAIN}")
    if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
        raise DamagedDataset(f"{path}: {name} is compressed or encrypted, and cannot be mapped: {AGAIN}")
    dtype, axes = MEMBERS[name]
    try:
        start = _data_start(mapped, entry)
        shape, data = _array_header(mapped, start, dtype)
    except ValueError as error:
        raise DamagedDataset(f"{path}: {name} {error}: {AGAIN}") from None
    expected = tuple(sizes.setdefault(axis, length) for axis, length in zip(axes, shape, strict=False))
    if shape != expected or len(shape) != len(axes):
        named = " × ".join(f"{axis} = {sizes.get(axis, '?')}" for axis in axes)
        raise DamagedDataset(f"{path}: {name} has the shape {shape} in place of {named}: {AGAIN}")
    count = int(np.prod(shape, dtype=np.int64))
    end = data + count * np.dtype(dtype).itemsize
    if end != start + entry.file_size or end > len(mapped):
        raise DamagedDataset(f"{path}: {name} is cut off: {AGAIN}")
    array = np.frombuffer(mapped, dtype, count, data).reshape(shape)
    # Whether a member happens to lie at a multiple of its size is nothing that kernels should be compiled for.
    array.setflags(align=array.itemsize == 1)
    return array


LOCAL_HEADER: Final = struct.Struct("<4s22xHH")
"""Of a member of a zip file: signature, lengths of its name and of the extra field, which follow."""


def _data_start(mapped: mmap.mmap, entry: zipfile.ZipInfo) -> int:
    """Where the content of a stored member begins."""
    header = mapped[entry.header_offset : entry.header_offset + LOCAL_HEADER.size]
    if len(header) < LOCAL_HEADER.size or not header.startswith(b"PK\3\4"):
        raise ValueError("is not where the table of contents says")
    _, name, extra = LOCAL_HEADER.unpack(header)
    return int(entry.header_offset + LOCAL_HEADER.size + name + extra)


def _array_header(mapped: mmap.mmap, start: int, dtype: str) -> tuple[tuple[int, ...], int]:
    """Shape of the array of an NPY file that begins at `start`, and where its data begin (NumPy, NEP 1)."""
    if mapped[start : start + 6] != b"\x93NUMPY":
        raise ValueError("is no array")
    wide = mapped[start + 6 : start + 7] > b"\1"  # later versions have a length of four bytes
    first = start + (12 if wide else 10)
    length = int.from_bytes(mapped[start + 8 : first], "little")
    try:
        header = ast.literal_eval(mapped[first : first + length].decode("latin-1").strip())
        found, fortran, shape = header["descr"], header["fortran_order"], header["shape"]
    except (ValueError, SyntaxError, KeyError, TypeError, MemoryError, RecursionError):
        raise ValueError("has a damaged header") from None
    if found != dtype:
        raise ValueError(f"holds {found!r}, not {dtype!r}")
    if fortran and len(shape) > 1:
        raise ValueError("is in column-major order")
    if not isinstance(shape, tuple) or not all(isinstance(length, int) and length >= 0 for length in shape):
        raise ValueError("has a damaged header")
    return shape, first + length
