"""Where RingRift works, here and on other hosts: the folder of `data/` and `models/`, the program, and the way."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import ringrift
from ringrift.errors import RingRiftError
from ringrift.fleet import LocalShell, Shell
from ringrift.fleet.hosts import LOCAL, Role, fleet_settings, hosts
from ringrift.fleet.ssh import SshShell
from ringrift.settings import home_folder, unknown_name

JOBS: Final = "data/jobs"
"""The folder of all jobs of this machine, in its workspace."""

T = TypeVar("T")


class UnknownHost(RingRiftError):
    """A host that the settings do not know."""


@dataclass(frozen=True)
class Site:
    """What jobs on a host have to know of it."""

    host: str
    home: str
    """The folder that they work in."""
    jobs: str
    """The folder that holds them."""
    program: str
    """The command `ringrift`, as a word of shell."""

    @property
    def remote(self) -> bool:
        """Whether it is another machine."""
        return self.host != LOCAL


def home() -> Path:
    """The folder that relative paths of the settings start from: `RINGRIFT_HOME`, else the checkout."""
    return home_folder(Path(ringrift.__file__).parent.parent).resolve()


def program() -> str:
    """The command `ringrift`: `RINGRIFT_PROGRAM`, else the one that is installed beside this Python."""
    beside = Path(sys.executable).with_name("ringrift")
    return os.environ.get("RINGRIFT_PROGRAM") or (str(beside) if beside.exists() else "ringrift")


def site(name: str) -> Site:
    """What is known of a host; `UnknownHost`."""
    if name == LOCAL:
        return Site(LOCAL, str(home()), str(home() / JOBS), shlex.quote(program()))
    known = hosts()
    if name not in known:
        raise UnknownHost(f"host {name!r}: {unknown_name(name, (LOCAL, *known))}")
    host = known[name]
    return Site(name, host.home, host.jobs, shell_word(host.program))


def have(role: Role) -> bool:
    """Whether there are hosts for something; if not, this machine does it."""
    return any(role in host.roles for host in hosts().values())


def open_shell(name: str) -> Shell:
    """The way to a host. Jobs of this machine see nothing of Airflow's own settings, in which there are secrets."""
    if name == LOCAL:
        return LocalShell(
            {name: value for name, value in os.environ.items() if not name.lstrip("_").startswith("AIRFLOW")}
        )
    site(name)
    return SshShell(name, hosts()[name], fleet_settings().connection)


def ask(name: str, question: Callable[[Shell], Coroutine[Any, Any, T]]) -> T:
    """Talk to a host from where nothing else waits meanwhile."""

    async def talk() -> T:
        shell = open_shell(name)
        try:
            return await question(shell)
        finally:
            await shell.close()

    return asyncio.run(talk())


_shared: dict[str, tuple[Shell, int]] = {}
"""The open ways of this process, each with the number of those who use it."""


@asynccontextmanager
async def shared_shell(name: str) -> AsyncIterator[Shell]:
    """The way to a host that all who are here at the same time share: one connection a host, however many jobs."""
    shell, users = _shared.get(name) or (open_shell(name), 0)
    _shared[name] = shell, users + 1
    try:
        yield shell
    finally:
        shell, users = _shared.pop(name)
        if users > 1:
            _shared[name] = shell, users - 1
        else:
            await shell.close()


def shell_word(path: str) -> str:
    """A path as a word of shell, in which `~/` at its beginning keeps its meaning."""
    return f"~/{shlex.quote(path[2:])}" if path.startswith("~/") else shlex.quote(path)
