"""The games that lie on a host, as `games.sh` tells of them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from ringrift.fleet.answers import LISTED, MEASURES, REMOVALS, Measure, Removal, checked, checked_lines, garbled
from ringrift.fleet.mirror import RemoteFile
from ringrift.fleet.shell import JobTrouble
from ringrift.fleet.ssh import SshShell

SCRIPT: Final = Path(__file__).with_name("games.sh").read_bytes()
SECONDS: Final = 60.0
MEASURE_SECONDS: Final = 600.0
"""Checksums of one batch, on a slow disk."""
BATCH_BYTES: Final = 64_000_000
"""Brought or removed at once: what a cut costs, and what a checksum may take."""

Item = TypeVar("Item")


@dataclass
class RemoteGames:
    """The folder of games of a host."""

    shell: SshShell
    folder: str = ""
    """Its path there, known after `files`."""
    rsync: bool = False
    """Whether the host has rsync, known after `files`."""
    refused: list[str] = field(default_factory=list)
    """The complaints about lines of the list that are none, complete after `files`."""

    async def files(self) -> dict[str, RemoteFile]:
        """All files by their path below the folder; those whose line is garbled are `refused`, and not among them."""
        lines = await self._ask("list", self.shell.host.home)
        if len(lines) < 2 or not lines[0].startswith("folder /") or not lines[1].startswith("rsync "):
            raise garbled(self.shell.name, "a list of its games", "\n".join(lines))
        self.folder = lines[0].partition(" ")[2]
        self.rsync = bool(lines[1].partition(" ")[2])
        self.refused = []
        files = {}
        for line in lines[2:]:
            try:
                file = checked(LISTED, line.split(" ", 2), self.shell.name, "a list of its games")
            except JobTrouble as error:
                self.refused.append(str(error))
            else:
                path = file.path.removeprefix("./")
                files[path] = RemoteFile(path, file.size, file.changed)
        return files

    async def measure(self, files: Sequence[tuple[str, int]]) -> list[Measure]:
        """Return what the host has of each path and length."""
        if not files:
            return []
        words = [word for path, length in files for word in (path, str(length))]
        lines = await self._ask("measure", self.folder, *words, seconds=MEASURE_SECONDS)
        return checked_lines(MEASURES, lines, len(files), self.shell.name, "checksums")

    async def remove(self, files: Sequence[tuple[str, str, str]]) -> list[Removal]:
        """Remove files by path, SHA-256 and list of games: `removed`, or why not: `kept`, `differs` or `gone`."""
        words = [word for file in files for word in file]
        lines = await self._ask("remove", self.folder, *words, seconds=MEASURE_SECONDS)
        ends = checked_lines(REMOVALS, lines, len(files), self.shell.name, "what it has removed")
        return [end for (end,) in ends]

    async def _ask(self, *words: str, seconds: float = SECONDS) -> list[str]:
        script = f"set -- {shlex.join(words)}\n".encode(errors="surrogateescape") + SCRIPT
        answer = await self.shell.run(script, seconds=seconds)
        if answer.code:
            raise JobTrouble(f"{self.shell.name}: its games cannot be read: {answer.complaint}")
        return answer.out.decode(errors="surrogateescape").split("\n")[:-1]  # names may hold other ends of lines


def in_batches(files: Iterable[Item], size: Callable[[Item], int]) -> Iterator[list[Item]]:
    """The files in their order, in parts of about `BATCH_BYTES`."""
    batch: list[Item] = []
    total = 0
    for file in files:
        batch.append(file)
        total += size(file)
        if total >= BATCH_BYTES:
            yield batch
            batch, total = [], 0
    if batch:
        yield batch
