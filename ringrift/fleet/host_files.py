"""Runs and models that lie on a host, as `host_files.sh` tells of them, and their removal."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, Literal

from ringrift.fleet.answers import DISK, HOST_FILES, REMOVALS, HostFileLine, Removal, checked, checked_lines, garbled
from ringrift.fleet.shell import JobTrouble
from ringrift.fleet.ssh import SshShell
from ringrift.resources.usage import Usage

SCRIPT: Final = Path(__file__).with_name("host_files.sh").read_bytes()
SECONDS: Final = 600.0
"""The sizes of all runs, on a slow disk."""
PATHS: Final = re.compile(r"data/runs/\w+/[\w.+-]+|models/\w+/[\w.+-]+\.pth", re.ASCII)
"""The only paths that are ever removed on a host."""


@dataclass(frozen=True)
class HostFile:
    """The folder of a run, or the two files of a model."""

    kind: Literal["run", "model"]
    bytes: int
    age: int
    """Seconds since the newest of its files was written, by the clock of the host."""
    ended: bool
    """Whether nothing will be added to it; a training that has not ended goes on from its checkpoints."""
    path: str

    @property
    def config(self) -> str:
        """The config that it is of."""
        return PurePosixPath(self.path).parent.name

    @property
    def name(self) -> str:
        """The name of the run, or the id of the model."""
        return PurePosixPath(self.path).name.removesuffix(".pth")


async def list_host_files(shell: SshShell) -> tuple[Usage, list[HostFile]]:
    """Return how full the disk of a host is, and its runs and models; `JobTrouble`.

    What has a name that this project gives to nothing is left out.
    """
    lines = await _ask(shell, "list")
    if len(lines) < 2 or not lines[0].startswith("disk ") or lines[-1] != "end":
        raise garbled(shell.name, "its runs and models", "\n".join(lines))
    total, free = checked(DISK, lines[0].split()[1:], shell.name, "the size of its disk")
    disk = Usage("disk", f"the disk of {shell.name}", 1 - free / total if total else 0.0, free * 1024, total * 1024)
    words = [line.split(" ", 4) for line in lines[1:-1]]
    listed = checked(HOST_FILES, words, shell.name, "its runs and models")
    return disk, [_host_file(line) for line in listed if PATHS.fullmatch(line.path)]


async def remove_host_files(shell: SshShell, files: Sequence[HostFile]) -> list[Removal]:
    """Remove runs and models of a host; what has become of each. `JobTrouble`."""
    lines = await _ask(shell, "remove", *(file.path for file in files))
    return [end for (end,) in checked_lines(REMOVALS, lines, len(files), shell.name, "what it has removed")]


def _host_file(line: HostFileLine) -> HostFile:
    return HostFile(line.kind, line.size, max(line.age, 0), line.state == "ended", line.path)


async def _ask(shell: SshShell, verb: str, *words: str) -> list[str]:
    script = f"set -- {shlex.join([verb, shell.host.home, *words])}\n".encode() + SCRIPT
    answer = await shell.run(script, seconds=SECONDS)
    if answer.code:
        raise JobTrouble(f"{shell.name}: its runs and models cannot be read: {answer.complaint}")
    return answer.out.decode(errors="replace").splitlines()
