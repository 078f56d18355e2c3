"""Work shared out over the cores by threads, which run side by side because the kernels hold no lock."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise

PARTS_PER_THREAD = 4
"""Parts are unequal work: with several for each thread, all threads end at about the same time."""


def default_threads() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    """Threads beside the calling one, made once: searches share out work thousands of times a second.

    `process` is `os.getpid()`: a forked process has none of its parent's threads and needs its own.
    """
    return ThreadPoolExecutor(threads)


def share_out(count: int, run: Callable[[int, int], None], *, threads: int | None = None, grain: int = 1) -> None:
    """Call `run(first, last)` for parts of 0 … `count`−1, by default on all cores.

    `grain` items are worth the waking of a thread; what is less is done at once by the caller.
    """
    threads = threads or default_threads()
    parts = min(threads * PARTS_PER_THREAD, count // grain)
    if threads == 1 or parts < 2:
        run(0, count)
        return
    bounds = [count * part // parts for part in range(parts + 1)]
    spans = iter(list(pairwise(bounds)))  # taken by all threads, one at a time

    def work_off() -> None:
        for first, last in spans:
            run(first, last)

    pool = _pool(threads - 1, os.getpid())
    others = [pool.submit(work_off) for _ in range(threads - 1)]
    work_off()
    for other in others:
        other.result()
