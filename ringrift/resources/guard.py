"""The guard: heavy work asks it before it begins, and is watched by it while it runs.

- A disk that is too full stops work at once: it does not empty itself.
- For memory, also that of a GPU, work waits a while before it begins, and then gives up.
- For the processor it waits a little, and then begins all the same: a busy machine slows work down, and loses none.

While work runs, disk and memory are looked at again and again; beyond their limits the work is cancelled, which keeps
what it has finished. Giving up is `NoRoom`, exit code 75: Airflow and people try it again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Final

from ringrift.errors import Busy
from ringrift.resources.settings import GuardSettings, RoomLimit
from ringrift.resources.usage import (
    GIGABYTE,
    Usage,
    cpu_usage,
    disk_usages,
    gpu_usage,
    load_usage,
    memory_usage,
)

LONGEST_LOOK: Final = 2.0
"""Seconds between two looks while work waits."""

_log = logging.getLogger(__name__)


class NoRoom(Busy):
    """There is no room for heavy work now; later there may be."""


def room_usage(folders: Sequence[Path], *, gpu: bool) -> list[Usage]:
    """Measure disks and memory, and on demand the memory of GPUs."""
    usages = [*disk_usages(folders), memory_usage(), gpu_usage() if gpu else None]
    return [usage for usage in usages if usage is not None]


def processor_usage() -> list[Usage]:
    """Measure the processor."""
    return [usage for usage in (cpu_usage(), load_usage()) if usage is not None]


@dataclass
class Guard:
    """A guard of work that writes into some folders."""

    settings: GuardSettings
    folders: Sequence[Path]
    gpu: bool = False
    """Whether the work uses a GPU where there is one."""
    room: Callable[..., list[Usage]] = room_usage
    processor: Callable[[], list[Usage]] = processor_usage
    _warned: set[str] = field(default_factory=set)

    def wait_for_room(self, work: str, cancellation: Event) -> None:
        """Return when work may begin, or has been cancelled; log once what it waits for. `NoRoom` if it is too long."""
        began = time.monotonic()
        while not cancellation.is_set():
            usages = self.room(self.folders, gpu=self.gpu)
            full = [usage for usage in usages if self._limit(usage).full(usage)]
            for usage in usages:
                self._warn(usage)
            if not full:
                break
            waited = time.monotonic() - began
            if any(usage.kind == "disk" for usage in full) or waited >= self.settings.memory_wait_seconds:
                raise NoRoom(f"{work} does not begin: {self._complaint(full)}")
            line = f"{work} waits at most {self.settings.memory_wait_seconds:g} s: {self._complaint(full)}"
            self._say_once(line, "a wait for memory")
            cancellation.wait(min(LONGEST_LOOK, self.settings.memory_wait_seconds - waited))
        self._wait_for_processor(work, cancellation)

    @contextmanager
    def watching(self, work: str, stop: Callable[[str], None]) -> Iterator[None]:
        """Look at disk and memory while the block runs; `stop` is called, once, with why the work has to end."""
        over = Event()

        def watch() -> None:
            while not over.wait(self.settings.look_seconds):
                usages = self.room(self.folders, gpu=False)
                full = [usage for usage in usages if self._limit(usage).full(usage)]
                for usage in usages:
                    self._warn(usage)
                if full:
                    stop(f"{work} stops: {self._complaint(full)}")
                    return

        thread = threading.Thread(target=watch, name="resource guard", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(timeout=1)

    def _wait_for_processor(self, work: str, cancellation: Event) -> None:
        began = time.monotonic()
        while not cancellation.is_set():
            usages = self.processor()
            busy = [usage for usage in usages if usage.share >= self._wait_limit(usage)]
            if not busy:
                for usage in usages:
                    self._warn_of_processor(usage)
                return
            shares = ", ".join(_share(usage) for usage in busy)
            waited = time.monotonic() - began
            if waited >= self.settings.busy_seconds:
                if self.settings.busy_seconds:
                    _log.warning("%s begins on a busy machine after %.0f s: %s", work, waited, shares)
                return
            line = f"{work} waits at most {self.settings.busy_seconds:g} s: {shares} (resources.yaml: cpu, load)"
            self._say_once(line, "a wait for the processor")
            cancellation.wait(min(LONGEST_LOOK, self.settings.busy_seconds - waited))

    def _wait_limit(self, usage: Usage) -> float:
        return float(self.settings.load) if usage.kind == "load" else self.settings.cpu.wait

    def _limit(self, usage: Usage) -> RoomLimit:
        limit: RoomLimit = getattr(self.settings, usage.kind)
        return limit

    def _warn(self, usage: Usage) -> None:
        limit = self._limit(usage)
        if limit.nearly_full(usage) and not limit.full(usage):
            self._say_once(
                f"{_share(usage)}; at {limit.stop:.0%} work stops (resources.yaml: {usage.kind})", usage.what
            )

    def _warn_of_processor(self, usage: Usage) -> None:
        if usage.kind == "cpu" and usage.share >= self.settings.cpu.warn:
            self._say_once(_share(usage), usage.what)

    def _say_once(self, line: str, about: str) -> None:
        """Log a line unless one about the same thing has been."""
        if about not in self._warned:
            self._warned.add(about)
            _log.warning("%s", line)

    def _complaint(self, full: Sequence[Usage]) -> str:
        shares = [f"{_share(usage)}, the limit is {self._limit(usage).stop:.0%}" for usage in full]
        remedy = "; `ringrift clean` frees disks" if any(usage.kind == "disk" for usage in full) else ""
        return f"{', '.join(shares)} (resources.yaml: {', '.join(usage.kind for usage in full)}){remedy}"


def _share(usage: Usage) -> str:
    """Return the use in words, such as «memory is 83 % full, 1.2 GB are free»."""
    if usage.kind == "load":
        return f"{usage.what} is {usage.share:.1f} for each core"
    if usage.kind == "cpu":
        return f"{usage.what} is {usage.share:.0%} in use"
    return f"{usage.what} is {usage.share:.0%} full, {usage.free / GIGABYTE:.1f} GB are free"
