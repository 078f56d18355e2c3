"""A shard: an NPZ file whose arrays are stored as they are, so that they can be mapped into memory, and back.

The same arrays give the same bytes: the order of the members is fixed, and so are their dates. The data of every member
begins at a multiple of 64 bytes of the file, which a padding in its header sees to.
"""

from __future__ import annotations

import hashlib
import struct
import tokenize
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from ringrift.datasets.layout import AGAIN, FORMAT_2_NAMES, IDENTITY_BYTES, MEMBERS, BadDataset, Layout

Arrays = dict[str, npt.NDArray[Any]]

ALIGNMENT: Final = 64
_LOCAL_HEADER: Final = 30  # bytes before name and extra field (APPNOTE 4.3.7)
_LENGTHS: Final = struct.Struct("<HH")  # … of these two, at its end
_ZIP64_EXTRA: Final = 20
_PADDING: Final = struct.Struct("<HH")
_PADDING_ID: Final = 0xD935
"""The id that Android's zipalign gives to an extra field that is there for its length."""

UNREADABLE: Final = (
    *(OSError, ValueError, TypeError, SyntaxError, NotImplementedError, OverflowError),
    *(EOFError, MemoryError),
    *(zipfile.BadZipFile, struct.error, tokenize.TokenError),
)
"""The errors that zipfile and numpy raise over damaged headers."""


def write_shard(file: IO[bytes], arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write the arrays of a shard, `MEMBERS`, into an empty file."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name in MEMBERS:
            with _member(archive, file.tell(), f"{name}.npy", arrays[name]) as member:
                np.lib.format.write_array_header_1_0(member, np.lib.format.header_data_from_array_1_0(arrays[name]))
                member.write(np.ascontiguousarray(arrays[name]).reshape(-1).view(np.uint8))


@contextmanager
def _member(archive: zipfile.ZipFile, offset: int, name: str, array: npt.NDArray[Any]) -> Iterator[Any]:
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.external_attr = 0o644 << 16
    info.file_size = array.nbytes + 2 * ALIGNMENT + 64  # zipfile asks for it to decide on the form of the header
    large = info.file_size * 1.05 > zipfile.ZIP64_LIMIT
    begin = offset + _LOCAL_HEADER + len(name) + (_ZIP64_EXTRA if large else 0) + _PADDING.size
    padding = -begin % ALIGNMENT
    info.extra = _PADDING.pack(_PADDING_ID, padding) + bytes(padding)
    with archive.open(info, "w") as member:
        yield member


def open_shard(path: Path) -> Arrays:
    """Map the arrays of a shard into memory, read-only; raise `BadDataset` if they cannot be mapped.

    The members of shards of format 2 get the names that they have now.
    """
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            data = np.memmap(path, np.uint8, "r")
            arrays = {info.filename.removesuffix(".npy"): _mapped(info, file, data) for info in archive.infolist()}
    except FileNotFoundError:
        raise BadDataset(f"{path}: there is no such file") from None
    except UNREADABLE as error:
        raise BadDataset(f"{path}: is damaged ({' '.join(str(error).split())}); {AGAIN}") from None
    return {FORMAT_2_NAMES.get(name, name): array for name, array in arrays.items()}


def _mapped(info: zipfile.ZipInfo, file: IO[bytes], data: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
    if info.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{info.filename} is compressed")
    file.seek(info.header_offset + _LOCAL_HEADER - _LENGTHS.size)
    file.seek(sum(_LENGTHS.unpack(file.read(_LENGTHS.size))), 1)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError(f"{info.filename} is of another version of the NPY format")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    if fortran or dtype.hasobject:
        raise ValueError(f"{info.filename} is in another order, or holds objects")
    begin = file.tell()
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if begin + size > len(data):
        raise ValueError(f"{info.filename} is cut off")
    return data[begin : begin + size].view(dtype).reshape(shape).view(np.ndarray)


def check_forms(path: Path, arrays: Mapping[str, npt.NDArray[Any]], layout: Layout) -> None:
    """Raise `BadDataset` if the arrays are not those of a shard of that config and encoding."""
    missing = [name for name in MEMBERS if name not in arrays]
    if missing:
        raise BadDataset(f"{path}: {', '.join(missing)} is missing; {AGAIN}")
    for name, (dtype, shape) in layout.forms(len(arrays["game"]), len(arrays["games"])).items():
        array = arrays[name]
        if array.dtype != dtype or (array.ndim != 1 if shape is None else array.shape != shape):
            expected = f"{dtype} {shape or 'of one dimension'}"
            raise BadDataset(
                f"{path}: {name} is {array.dtype} {array.shape}, and {layout.config} in {layout.encoder} has {expected}"
            )


def game_identities(arrays: Arrays) -> list[bytes]:
    """Return the identities of the games of a shard."""
    data = np.ascontiguousarray(arrays["games"]).tobytes()
    return [data[first : first + IDENTITY_BYTES] for first in range(0, len(data), IDENTITY_BYTES)]


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
