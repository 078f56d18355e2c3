"""The cores of a machine, shared out to several processes."""

from __future__ import annotations

import os
from collections.abc import Sequence


def own_cores() -> list[int]:
    """Return the numbers of the cores that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def share_of_cores(cores: Sequence[int], place: int, processes: int) -> Sequence[int]:
    """Return the cores of one of several processes: neighbours, which share caches and memory; at least one.

    `place` counts the processes from 0. More processes than cores take turns.
    """
    if processes >= len(cores):
        return cores[place % len(cores) :][:1]
    return cores[len(cores) * place // processes : len(cores) * (place + 1) // processes]


def use_cores(cores: Sequence[int]) -> None:
    """Run the threads of this process on these cores only, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
