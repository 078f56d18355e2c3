"""The two files of a model as bytes: read, compared and written together."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from ringrift.files import new_file


class ModelFiles(NamedTuple):
    """The bytes of the two files of a model."""

    weights: bytes
    sidecar: bytes


def read_files(path: Path) -> ModelFiles:
    """The bytes of a `.pth` file and of the `.json` beside it."""
    return ModelFiles(path.read_bytes(), path.with_suffix(".json").read_bytes())


def write_files(path: Path, files: ModelFiles) -> None:
    """Write both files of a model, or replace them, one right after the other; a reader in between looks again.

    The `.json` is first: where there was none before, nobody takes a `.pth` for a model that lacks its description.
    """
    with new_file(path) as weights, new_file(path.with_suffix(".json")) as sidecar:
        weights.write(files.weights)
        weights.flush()
        os.fsync(weights.fileno())  # now, so that nothing slow stands between the two names
        sidecar.write(files.sidecar)


def remove_files(path: Path) -> bool:
    """Remove both files of a model, and what a killed process has left of writing them; whether any was there."""
    there = [file for file in (path, path.with_suffix(".json")) if file.exists()]
    for file in [*there, *unfinished(path)]:
        file.unlink(missing_ok=True)
    return bool(there)


def unfinished(path: Path) -> list[Path]:
    """What processes that were killed have left of writing a model."""
    return [
        file for name in (path.name, path.with_suffix(".json").name) for file in path.parent.glob(f".{name}.*.partial")
    ]


def checksum(content: bytes) -> str:
    """The SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def checksum_of(path: Path) -> str | None:
    """The SHA-256 of a file; None if there is none."""
    try:
        return checksum(path.read_bytes())
    except FileNotFoundError:
        return None
