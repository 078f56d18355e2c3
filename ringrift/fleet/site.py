"""A host as a place of work: the folder in which its jobs run, the folder of the jobs, and its `ringrift`."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Final

from ringrift.errors import RingRiftError
from ringrift.fleet.hosts import LOCAL, Host

JOBS: Final = "data/jobs"
"""The folder of all jobs of a machine, in its workspace."""


class UnknownHost(RingRiftError):
    """A host that the settings do not know, or that is rented no more."""


@dataclass(frozen=True)
class Site:
    """The folders and settings of a host that a job has to know."""

    host: str
    home: str
    """The folder in which jobs work."""
    jobs: str
    """The folder that holds the jobs."""
    program: str
    """The command `ringrift`, as a word of shell."""

    @property
    def remote(self) -> bool:
        """Whether it is another machine."""
        return self.host != LOCAL


def site_of(name: str, host: Host) -> Site:
    """Return the site of a host of the settings."""
    return Site(name, host.home, host.jobs, shell_word(host.program))


def shell_word(path: str) -> str:
    """Return a path as a word of shell, in which `~/` at its beginning keeps its meaning."""
    return f"~/{shlex.quote(path[2:])}" if path.startswith("~/") else shlex.quote(path)
