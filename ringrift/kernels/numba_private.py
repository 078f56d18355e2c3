"""Everything of numba that we use without its promise: private names, which a new version may rename.

`pyproject.toml` bounds numba from above for their sake. Raise the bound when `tests/kernels/test_numba_private.py`
passes with the new version, and mend what it names in this file alone.
"""

from __future__ import annotations

import fcntl
import itertools
import logging
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core import event
from numba.core.bytecode import FunctionIdentity
from numba.core.caching import IndexDataCacheFile

from ringrift.errors import RingRiftError

if vars(numba.config)["DISABLE_JIT"]:
    raise RingRiftError("NUMBA_DISABLE_JIT is set, but the rules run only if they are compiled: unset it")

NOTICED_SECONDS = 1.0
"""The time of compiling after which it is reported."""


class SharedCacheFile(IndexDataCacheFile):
    """The cache of one kernel, safe for several processes that compile at once.

    Numba numbers the files of a kernel's variants without a lock, so that two processes that compile the same kernel
    for two boards at once could give both the same number.
    """

    def save(self, key: object, data: object) -> None:
        """Add a variant: numbering and writing it under a lock."""
        index = Path(self._index_path)
        index.parent.mkdir(parents=True, exist_ok=True)
        with index.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # closing the file releases it
            super().save(key, data)  # type: ignore[no-untyped-call]


def compile_into(folder: str, function: Callable[..., object]) -> Any:
    """Compile a kernel on first use and keep its machine code in a folder, which several processes may share.

    The folder is named after the contents of the sources, so that their path and date need not count, as they do with
    numba: another checkout of the same sources, or the next release on a host, finds what is compiled already.

    Kernels that allocate nothing need not count references to arrays (`_nrt`), which numba does with atomic
    instructions on memory that all threads share: a good part of the time of a search, if it were left on.
    """
    settings = vars(numba.config)
    previous = settings["CACHE_DIR"]
    settings["CACHE_DIR"] = folder
    try:
        kernel: Any = numba.njit(nogil=True, cache=True, error_model="numpy", _nrt=False)(function)  # type: ignore[call-overload]
    finally:
        settings["CACHE_DIR"] = previous
    package = Path(function.__code__.co_filename).parent.name
    name = kernel._cache._impl.filename_base
    kernel._cache._cache_file = SharedCacheFile(str(Path(folder, package)), name, None)  # type: ignore[no-untyped-call]
    return kernel


def separate_names() -> None:
    """Make the names of machine code from this process differ from those of every other process.

    Numba names machine code after the function and a counter of the process, but not after the fields of its records,
    so that the code of two boards from two processes would have the same names, and a third process that loads both
    would run one board on the rules of the other. So the counter starts at a random number in every process.
    """
    FunctionIdentity._unique_ids = itertools.count(secrets.randbits(48) << 16)


separate_names()
os.register_at_fork(after_in_child=separate_names)


class CompilingNotice(event.Listener):
    """Log once that kernels are being compiled, when that has taken long enough to be noticed.

    What lies in the cache on disk is loaded and not compiled, and nothing is logged.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._began = 0.0
        self._depth = 0

    def on_start(self, _: event.Event) -> None:
        """Begin to count the time of a kernel; one may be compiled within another."""
        if self._depth == 0:
            self._began = time.monotonic()
        self._depth += 1

    def on_end(self, _: event.Event) -> None:
        """Add the time of a kernel, and log the notice when the sum passes `NOTICED_SECONDS`."""
        self._depth -= 1
        if self._depth:
            return
        before, self.seconds = self.seconds, self.seconds + time.monotonic() - self._began
        if before < NOTICED_SECONDS <= self.seconds:
            logging.getLogger("ringrift.kernels").info(
                "compiling for this machine, once: about a minute for the rules, as much again for a search"
            )


event.register("numba:compile", CompilingNotice())  # type: ignore[no-untyped-call]
