"""Processes that tests watch and kill."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import psutil


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def family(pid: int) -> list[int]:
    """A process and all of its descendants, as they are now; empty if it is gone."""
    try:
        first = psutil.Process(pid)
        return [pid, *(child.pid for child in first.children(recursive=True))]
    except psutil.NoSuchProcess:
        return []


def kill_all(pids: Iterable[int]) -> None:
    """As a power cut does it; of those that end by themselves meanwhile nobody is missed."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def wait_for(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    """What a condition returns as soon as it is true; an assertion fails if that takes too long."""
    give_up = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < give_up, "it has not happened"
        time.sleep(0.05)
    return found
