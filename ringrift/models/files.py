"""The two files of a model as bytes: read, compared and written together."""

from __future__ import annotations

import hashlib
import os
import time
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from ringrift.files import new_file

SETTLED_SECONDS: Final = 2.0
"""The age of a change after which the next one is sure to show in the times of the file."""


class ModelFiles(NamedTuple):
    """The bytes of the two files of a model."""

    weights: bytes
    sidecar: bytes


def read_files(path: Path) -> ModelFiles:
    """Return the bytes of a `.pth` file and of the `.json` beside it."""
    return ModelFiles(path.read_bytes(), path.with_suffix(".json").read_bytes())


def write_files(path: Path, files: ModelFiles) -> None:
    """Write both files of a model, or replace them, one right after the other; a reader in between reads again.

    The `.json` is first: where there was none before, no reader takes a `.pth` for a model that lacks its description.
    """
    with new_file(path) as weights, new_file(path.with_suffix(".json")) as sidecar:
        weights.write(files.weights)
        weights.flush()
        os.fsync(weights.fileno())  # now, so that nothing slow stands between the two names
        sidecar.write(files.sidecar)


def remove_files(path: Path) -> bool:
    """Remove both files of a model, and unfinished ones of a killed process; return whether any was there."""
    there = [file for file in (path, path.with_suffix(".json")) if file.exists()]
    for file in [*there, *unfinished(path)]:
        file.unlink(missing_ok=True)
    return bool(there)


def unfinished(path: Path) -> list[Path]:
    """Return the files that killed processes have left of writing a model."""
    return [
        file for name in (path.name, path.with_suffix(".json").name) for file in path.parent.glob(f".{name}.*.partial")
    ]


def checksum(content: bytes) -> str:
    """Return the SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def checksum_of(path: Path) -> str | None:
    """Return the SHA-256 of a file; None if there is none.

    A file is read again only when it has changed, by its number, size and times. Clocks of file systems tick slowly, so
    one that has changed just now is always read.
    """
    try:
        status = path.stat()
        if abs(time.time() - status.st_ctime) < SETTLED_SECONDS:
            return checksum(path.read_bytes())
        return _checksum_of(path, (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
    except FileNotFoundError:
        return None


@lru_cache(maxsize=256)
def _checksum_of(path: Path, _: tuple[int, ...]) -> str:
    return checksum(path.read_bytes())
