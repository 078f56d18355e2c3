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
    found = [*disk_usages(folders), memory_usage(), gpu_usage() if gpu else None]
    return [one for one in found if one is not None]


def processor_usage() -> list[Usage]:
    """Measure the processor."""
    return [one for one in (cpu_usage(), load_usage()) if one is not None]


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
        """Return when work may begin, or has been cancelled; say once what it waits for. `NoRoom` if it is too long."""
        began = time.monotonic()
        while not cancellation.is_set():
            usages = self.room(self.folders, gpu=self.gpu)
            full = [one for one in usages if self._limit(one).full(one)]
            for one in usages:
                self._warn(one)
            if not full:
                break
            waited = time.monotonic() - began
            if any(one.kind == "disk" for one in full) or waited >= self.settings.memory_wait_seconds:
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
                full = [one for one in usages if self._limit(one).full(one)]
                for one in usages:
                    self._warn(one)
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
            busy = [one for one in usages if one.share >= self._wait_limit(one)]
            if not busy:
                for one in usages:
                    self._warn_of_processor(one)
                return
            said = ", ".join(_share(one) for one in busy)
            waited = time.monotonic() - began
            if waited >= self.settings.busy_seconds:
                if self.settings.busy_seconds:
                    _log.warning("%s begins on a busy machine after %.0f s: %s", work, waited, said)
                return
            line = f"{work} waits at most {self.settings.busy_seconds:g} s: {said} (resources.yaml: cpu, load)"
            self._say_once(line, "a wait for the processor")
            cancellation.wait(min(LONGEST_LOOK, self.settings.busy_seconds - waited))

    def _wait_limit(self, one: Usage) -> float:
        return float(self.settings.load) if one.kind == "load" else self.settings.cpu.wait

    def _limit(self, one: Usage) -> RoomLimit:
        limit: RoomLimit = getattr(self.settings, one.kind)
        return limit

    def _warn(self, one: Usage) -> None:
        limit = self._limit(one)
        if limit.nearly_full(one) and not limit.full(one):
            self._say_once(f"{_share(one)}; at {limit.stop:.0%} work stops (resources.yaml: {one.kind})", one.what)

    def _warn_of_processor(self, one: Usage) -> None:
        if one.kind == "cpu" and one.share >= self.settings.cpu.warn:
            self._say_once(_share(one), one.what)

    def _say_once(self, line: str, about: str) -> None:
        """Log a line unless one about the same thing has been."""
        if about not in self._warned:
            self._warned.add(about)
            _log.warning("%s", line)

    def _complaint(self, full: Sequence[Usage]) -> str:
        told = [f"{_share(one)}, the limit is {self._limit(one).stop:.0%}" for one in full]
        remedy = "; `ringrift clean` frees disks" if any(one.kind == "disk" for one in full) else ""
        return f"{', '.join(told)} (resources.yaml: {', '.join(one.kind for one in full)}){remedy}"


def _share(one: Usage) -> str:
    """Say how much is in use, such as «memory is 83 % full, 1.2 GB are free»."""
    if one.kind == "load":
        return f"{one.what} is {one.share:.1f} for each core"
    if one.kind == "cpu":
        return f"{one.what} is {one.share:.0%} in use"
    return f"{one.what} is {one.share:.0%} full, {one.free / GIGABYTE:.1f} GB are free"
