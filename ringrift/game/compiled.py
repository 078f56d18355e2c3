"""How the kernels are compiled: one decorator, one cache on disk.

Numba notices a change in the file of the function that is called from Python, but not in the files of the functions
that it calls in turn. A stale rule would be a disaster, so the cache folder is named after the contents of the sources:
of this room for the rules, which call nothing else, and of every room with kernels for all others. Any edit there
starts a new cache.

Several processes may compile and share one cache, which numba alone does not stand:

- It numbers the files of a kernel's variants without a lock, so that two processes that compile the same kernel for two
  boards at once could give both the same number. `SharedCacheFile` takes a lock.
- It names machine code after the function and a counter of the process, but not after the fields of its records, so
  that the code of two boards from two processes has the same names, and a third process that loads both would run one
  board on the rules of the other. `separate_names` starts the counter at a random number in every process.
"""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import os
import secrets
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar, cast

import numba
from numba.core.bytecode import FunctionIdentity
from numba.core.caching import IndexDataCacheFile

from ringrift.game.errors import UnwritableFile

Function = TypeVar("Function", bound=Callable[..., object])


def cache_root() -> Path:
    """The folder for compiled code: `RINGRIFT_CACHE_DIR`, else `ringrift` under the user's cache folder."""
    chosen = os.environ.get("RINGRIFT_CACHE_DIR")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ringrift"


@cache
def cache_folder(of_the_rules: bool) -> str:
    """Where compiled code is kept: the rules' or that of the rooms above them."""
    package = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for room in sorted(path for path in package.iterdir() if path.is_dir()):
        sources = {path: path.read_bytes() for path in sorted(room.glob("*.py"))}
        has_kernels = any(b"@compiled" in source for source in sources.values())
        if room.name == "game" or (has_kernels and not of_the_rules):
            for path, source in sources.items():
                digest.update(f"{room.name}/{path.name}".encode() + source)
    folder = cache_root() / "compiled" / digest.hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:  # numba would turn to a cache beside the sources, which it does not keep fresh
        raise UnwritableFile(
            f"{folder}: compiled code cannot be kept there ({error.strerror}); set RINGRIFT_CACHE_DIR to another folder"
        ) from None
    return str(folder)


def separate_names() -> None:
    """Let the names of machine code from this process differ from those of every other process."""
    FunctionIdentity._unique_ids = itertools.count(secrets.randbits(48) << 16)


separate_names()
os.register_at_fork(after_in_child=separate_names)


class SharedCacheFile(IndexDataCacheFile):
    """The cache of one kernel, safe for several processes that compile at once."""

    def save(self, key: object, data: object) -> None:
        """Add a variant: numbering and writing it under a lock."""
        index = Path(self._index_path)
        index.parent.mkdir(parents=True, exist_ok=True)
        with index.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # closing the file releases it
            super().save(key, data)  # type: ignore[no-untyped-call]


def compiled(function: Function) -> Function:
    """Compile a kernel on first use: no Python objects, no GIL, no exceptions, kept on disk."""
    settings = vars(numba.config)
    previous = settings["CACHE_DIR"]
    settings["CACHE_DIR"] = cache_folder(function.__module__.startswith("ringrift.game."))
    try:
        kernel = numba.njit(nogil=True, cache=True, error_model="numpy")(function)
    finally:
        settings["CACHE_DIR"] = previous
    kernel._cache._cache_file.__class__ = SharedCacheFile  # type: ignore[attr-defined]
    return cast(Function, kernel)
