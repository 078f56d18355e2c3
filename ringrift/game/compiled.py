"""How the kernels are compiled: one decorator, one cache on disk.

Numba notices a change in the file of the function that is called from Python, but not in the files of the functions
that it calls in turn. A stale rule would be a disaster, so the cache folder is named after the contents of every
source file of the room: any edit starts a new cache.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])


def cache_root() -> Path:
    """The folder for compiled code: `RINGRIFT_CACHE_DIR`, else `ringrift` under the user's cache folder."""
    chosen = os.environ.get("RINGRIFT_CACHE_DIR")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ringrift"


def sources_fingerprint() -> str:
    """A short hash over the source files of this room."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


_CACHE_DIR = str(cache_root() / "compiled" / sources_fingerprint())


def compiled(function: Function) -> Function:
    """Compile a kernel on first use: no Python objects, no GIL, no exceptions, kept on disk."""
    settings = vars(numba.config)
    previous = settings["CACHE_DIR"]
    settings["CACHE_DIR"] = _CACHE_DIR
    try:
        return cast(Function, numba.njit(nogil=True, cache=True, error_model="numpy")(function))
    finally:
        settings["CACHE_DIR"] = previous
