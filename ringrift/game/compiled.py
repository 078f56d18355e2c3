"""How the kernels are compiled: one decorator, one cache on disk.

Numba notices a change in the file of the function that is called from Python, but not in the files of the functions
that it calls in turn. A stale rule would be a disaster, so the cache folder is named after the contents of the sources:
of this whole room, and, for kernels elsewhere, of their module and every module of the package that it imports,
directly or not. Any edit there starts a new cache.

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
import re
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


PACKAGE = Path(__file__).parent.parent
_IMPORT = re.compile(r"^\s*(?:from (ringrift[\w.]*) import (\([^)]*\)|.*)|import (ringrift[\w.]*))", re.MULTILINE)


@cache
def imported_files(file: Path) -> frozenset[Path]:
    """The sources of the package that a source imports by name: modules, and packages as their `__init__.py`."""
    found: set[Path] = set()
    for package, names, module in _IMPORT.findall(file.read_text()):
        base = PACKAGE.parent.joinpath(*(package or module).split("."))
        # A name that is imported from a package may be a module of it.
        places = [base, *(base / name for name in re.findall(r"\w+", names))]
        found.update(place.with_suffix(".py") for place in places)
        found.update(place / "__init__.py" for place in places)
    return frozenset(path for path in found if path.is_file())


@cache
def cache_folder(file: Path) -> str:
    """Where the compiled code of a source is kept."""
    sources = set((PACKAGE / "game").glob("*.py"))
    if file not in sources:
        new = {file}
        while new:
            sources |= new
            new = {path for source in new for path in imported_files(source)} - sources
    digest = hashlib.sha256()
    for path in sorted(sources):
        digest.update(path.name.encode() + path.read_bytes())
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
    """Compile a kernel on first use: no Python objects, no GIL, no exceptions, no new arrays, kept on disk.

    Kernels that allocate nothing need not count references to arrays, which numba does with atomic instructions on
    memory that all threads share: a good part of the time of a search, if it were left on. (Assigning a slice of an
    array to another allocates too; a loop does not.)
    """
    settings = vars(numba.config)
    previous = settings["CACHE_DIR"]
    settings["CACHE_DIR"] = cache_folder(Path(function.__code__.co_filename))
    try:
        # numba's types leave out `_nrt`, its switch for the counting.
        kernel = numba.njit(nogil=True, cache=True, error_model="numpy", _nrt=False)(function)  # type: ignore[call-overload]
    finally:
        settings["CACHE_DIR"] = previous
    kernel._cache._cache_file.__class__ = SharedCacheFile
    return cast(Function, kernel)
