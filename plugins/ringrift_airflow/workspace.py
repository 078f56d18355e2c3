"""Where RingRift works on this machine: the folder that holds `data/` and `models/`, its program, its shell."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

import ringrift
from ringrift.fleet import LocalShell, Shell
from ringrift.game.errors import RingRiftError

LOCAL: Final = "local"
"""The host that is this machine."""

JOBS: Final = "data/jobs"
"""The folder of all jobs of a host, in its workspace."""


class UnknownHost(RingRiftError):
    """A host that the settings do not know."""


def home() -> Path:
    """The folder that relative paths of the settings start from: `RINGRIFT_HOME`, else the checkout."""
    return Path(os.environ.get("RINGRIFT_HOME") or Path(ringrift.__file__).parent.parent).absolute()


def program() -> str:
    """The command `ringrift`: `RINGRIFT_PROGRAM`, else the one that is installed beside this Python."""
    beside = Path(sys.executable).with_name("ringrift")
    return os.environ.get("RINGRIFT_PROGRAM") or (str(beside) if beside.exists() else "ringrift")


def open_shell(host: str) -> Shell:
    """The way to a host. Jobs of this machine see nothing of Airflow's own settings, in which there are secrets."""
    if host != LOCAL:
        raise UnknownHost(f"host {host!r}: unknown; known is {LOCAL!r}, this machine")
    return LocalShell({name: value for name, value in os.environ.items() if not name.lstrip("_").startswith("AIRFLOW")})
