"""Which state of the program this is: its version alone stays the same from one change of the code to the next."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from typing import Final

from ringrift import __version__

PATIENCE: Final = 10.0
"""Seconds that git has."""


@cache
def code_version() -> str:
    """The version and, where it can be told, the code, as it was when it was first asked for.

    `0.1.0+g1a2b3c4` in a git checkout of that commit, with `.dirty` if files of it are changed;
    `0.1.0+r0123456789abcdef` in that release on a host of the fleet, which is named after its content; else `0.1.0`.
    """
    return __version__ + _code(Path(__file__).resolve().parent.parent)


def _code(folder: Path) -> str:
    """What tells the code in a folder from other code of the same version; empty if nothing does."""
    if (folder / ".git").exists():  # not above: the package may be installed inside of another project's checkout
        command = ["git", "--no-optional-locks", "-C", str(folder), "describe", "--always", "--exclude=*", "--abbrev=7"]
        try:
            done = subprocess.run(
                [*command, "--dirty=.dirty"], capture_output=True, text=True, timeout=PATIENCE, check=True
            )
        except (OSError, subprocess.SubprocessError):
            return ""
        return f"+g{done.stdout.strip()}"
    return f"+r{folder.name}" if folder.parent.name == "releases" else ""  # as fleet/install.sh puts them
