"""Files that are there whole or not at all, also after a power cut, and locks between processes.

A lock goes with the process that holds it, however that ends.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from ringrift.errors import Busy, UnwritableFile

LEFTOVER_SECONDS: Final = 86_400
_PRIVATE: Final = 0o600


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """A binary file that takes its name, or the place of an older one, only when the block ends well.

    Missing folders are made. `UnwritableFile` says in one line what stands in the way; a device or a pipe is never
    replaced, and behind a symbolic link it is the target that is written.
    """
    try:
        target = path.resolve()
        if not target.name or (target.exists() and not target.is_file()):
            raise UnwritableFile(f"{path}: cannot be written (it is not a plain file)")
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(target.parent)
        temporary = target.with_name(f".{target.name}.{os.getpid()}.partial")
        try:
            with temporary.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(target.parent)
    except OSError as error:
        raise UnwritableFile(f"{path}: cannot be written ({error.strerror or error})") from None


def _remove_leftovers(folder: Path) -> None:
    """Remove the partial files of processes that were killed; no process writes to one for a day."""
    latest = time.time() - LEFTOVER_SECONDS
    for path in folder.glob(".*.partial"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < latest:
                path.unlink()


def _sync_folder(folder: Path) -> None:
    """Make the new name last."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder that are not hidden, also those behind symbolic links to folders.

    Every folder is entered once, so that links that lead back to where they lie do no harm.
    """
    entered: set[tuple[int, int]] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        try:
            status = Path(place).stat()
        except OSError:  # removed meanwhile
            continue
        if (status.st_dev, status.st_ino) in entered:
            folders.clear()
            continue
        entered.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in sorted(names) if not name.startswith("."))


def with_home(path: str) -> Path:
    """Put the user's home folder in the place of a `~` at the beginning of a path.

    No shell does it in a unit of systemd, in `.env`, or after `=`. The name of an unknown user stays as it is.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def private_file(path: Path) -> None:
    """Make a file, with missing folders, that its owner alone can read; one that is there becomes so.

    SQLite gives its `-wal` and `-shm` files the mode of the database. Raises `UnwritableFile`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, _PRIVATE)
        try:
            if os.fstat(handle).st_mode & 0o077:
                os.fchmod(handle, _PRIVATE)
        finally:
            os.close(handle)
    except OSError as error:
        raise UnwritableFile(f"{path}: cannot be written ({error.strerror or error})") from None


def private_folder(path: Path) -> None:
    """Make a folder whose files its owner alone can reach; one that is there stays as it is. `UnwritableFile`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise UnwritableFile(f"{path}: cannot be made ({error.strerror or error})") from None


def take_lock(path: Path, place: Path, busy: Busy, *, shared: bool = False) -> int:
    """Lock a file, made with its folder if need be; closing what is returned lets it go.

    A `shared` lock keeps out only those that are not. Raises `busy` if another process holds the lock, and
    `UnwritableFile`, which names the `place`, if none can be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise UnwritableFile(f"{place}: cannot be written ({error.strerror or error})") from None
    try:
        fcntl.flock(lock, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise busy from None
    return lock


@contextmanager
def alone(path: Path, place: Path, busy: Busy, *, shared: bool = False) -> Iterator[None]:
    """Hold a lock while the block runs; raises what `take_lock` raises."""
    lock = take_lock(path, place, busy, shared=shared)
    try:
        yield
    finally:
        os.close(lock)
