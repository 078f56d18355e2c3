"""Locks between processes, which go with the process that holds them, however it ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ringrift.game.errors import RingRiftError, UnwritableFile


def take_lock(path: Path, place: Path, busy: RingRiftError) -> int:
    """Lock a file, made with its folder if need be; closing what is returned lets it go.

    Raises `busy` if another process holds the lock, and `UnwritableFile`, which names the `place`, if none can be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise UnwritableFile(f"{place}: cannot be written ({error.strerror or error})") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise busy from None
    return lock


@contextmanager
def alone(path: Path, place: Path, busy: RingRiftError) -> Iterator[None]:
    """Hold a lock while the block runs; raises what `take_lock` raises."""
    lock = take_lock(path, place, busy)
    try:
        yield
    finally:
        os.close(lock)
