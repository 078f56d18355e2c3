"""Archives: hosts that get all closed files of games, whoever has played them, so that no disk is the only one.

A file is closed once and never changes, so that an archive that has its name and size has it; what comes is verified
by its SHA-256 there before it gets its name. A growing file comes when it is closed.
"""

from __future__ import annotations

import asyncio
import secrets
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Final

from ringrift.errors import RingRiftError
from ringrift.fleet.health import Health
from ringrift.fleet.mirror import PACKED
from ringrift.fleet.outcome import note_answer, note_trouble
from ringrift.fleet.remote import RemoteGames
from ringrift.fleet.shell import JobTrouble
from ringrift.fleet.ssh import SshShell

SCRIPT: Final = Path(__file__).with_name("archive.sh").read_text("utf-8")
SECONDS: Final = 600.0
"""The time that one file may take on a slow network."""


@dataclass(frozen=True)
class ArchiveSync:
    """The files that an archive has got."""

    host: str
    files: int = 0
    bytes: int = 0
    trouble: str = ""
    """Why there are not more, in a line; empty if it has all."""
    reaction: str = ""
    """The reaction to the trouble; empty if there is none."""

    def __str__(self) -> str:
        return f"{self.trouble} ({self.reaction})" if self.trouble else f"{self.host}: {self.files} files archived"


async def fill_archive(shell: SshShell, root: Path, health: Health | None = None) -> ArchiveSync:
    """Bring all closed files of games that an archive lacks; trouble is a part of the report, and ends no other."""
    done = ArchiveSync(shell.name)
    try:
        there = await RemoteGames(shell).files()
        for path, size in await asyncio.to_thread(lambda: list(_closed(root))):
            known = there.get(path)
            if known is not None and known.size == size:
                continue
            try:
                content = await asyncio.to_thread((root / path).read_bytes)
            except FileNotFoundError:  # housekeeping was quicker
                continue
            await _send(shell, path, content)
            done = replace(done, files=done.files + 1, bytes=done.bytes + len(content))
    except RingRiftError as error:
        reaction = await note_trouble(health, shell.name, error)
        return replace(done, trouble=str(error), reaction=reaction.value)
    await note_answer(health, shell.name)
    return done


def _closed(root: Path) -> Iterator[tuple[str, int]]:
    """Yield the closed files of games below a folder, with their bytes; those on their way here are none yet."""
    for path in sorted(root.rglob(f"*.jsonl{PACKED}")):
        below = path.relative_to(root)
        if not any(part.startswith(".") for part in below.parts):
            yield str(below), path.stat().st_size


async def _send(shell: SshShell, path: str, content: bytes) -> None:
    words = shell.host.home, path, sha256(content).hexdigest(), secrets.token_hex(8)
    answer = await shell.feed(f"set -- {shlex.join(words)}\n{SCRIPT}", content, seconds=SECONDS)
    if answer.code:
        raise JobTrouble(f"{shell.name}: cannot take {path}: {answer.complaint}")
