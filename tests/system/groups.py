"""Control groups of the system, whose memory is less than the machine's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.processes import kill_all, wait_for

ROOT = Path("/sys/fs/cgroup")


class MemoryGroup:
    """A group of processes that share a memory of a given size."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def within(self, *words: str | Path) -> list[str]:
        """Return a command that joins the group and then runs another one in its place."""
        return ["sh", "-c", f'echo $$ > {self.folder}/cgroup.procs && exec "$@"', "sh", *map(str, words)]


@contextmanager
def memory_group(limit: int) -> Iterator[MemoryGroup | None]:
    """Make a group with a limit of memory, by version 1 or 2 of the system; None where that is refused.

    Its processes are gone afterwards.
    """
    folder = _make(limit)
    try:
        yield None if folder is None else MemoryGroup(folder)
    finally:
        if folder is not None:
            kill_all(map(int, (folder / "cgroup.procs").read_text().split()))
            wait_for(lambda: not (folder / "cgroup.procs").read_text())
            folder.rmdir()


def _make(limit: int) -> Path | None:
    name = f"ringrift-tests-{os.getpid()}"
    first, second = ROOT / "memory" / name, ROOT / name
    folder, file = (first, "memory.limit_in_bytes") if first.parent.is_dir() else (second, "memory.max")
    try:
        if folder is second:
            (ROOT / "cgroup.subtree_control").write_text("+memory")
        folder.mkdir()
    except OSError:
        return None
    try:
        (folder / file).write_text(str(limit))
    except OSError:
        folder.rmdir()
        return None
    return folder
