"""The hosts together: what is known of each, the ways to them, and the places that jobs have on them."""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ringrift.errors import RingRiftError
from ringrift.fleet.failures import NoHostLeft
from ringrift.fleet.hosts import LOCAL, FleetSettings, Host, Role, fleet_settings, hosts
from ringrift.fleet.placement import Needs, Place
from ringrift.fleet.rent_settings import rent_settings
from ringrift.fleet.shell import LocalShell, Shell
from ringrift.fleet.site import JOBS, Site, UnknownHost, site_of
from ringrift.fleet.ssh import OpenConnection, Reaction, SshShell, no_connections, reaction_to
from ringrift.settings import unknown_name

if TYPE_CHECKING:
    from ringrift.fleet.health import Health

T = TypeVar("T")

LOG: Final = logging.getLogger(__name__)


class Unserved(NoHostLeft):
    """A role that neither a host nor this machine has."""


class Fleet:
    """This machine and the hosts of the settings, as whoever gives them work sees them.

    :param home: the folder of this machine that holds `data/` and `models/`.
    :param program: the command `ringrift` of this machine.
    :param connect: what opens the connections that hosts of the settings name.
    """

    def __init__(self, home: Path, program: str, connect: OpenConnection = no_connections) -> None:
        self.home = home
        self.program = program
        self.connect = connect

    @property
    def hosts(self) -> dict[str, Host]:
        """The hosts of the settings by name, and those that are rented now."""
        from ringrift.game_database.settings import database_in

        return known_hosts(database_in(self.home))

    @property
    def settings(self) -> FleetSettings:
        """The settings of the fleet."""
        return fleet_settings()

    def has(self, role: Role) -> bool:
        """Return whether there are hosts for a role; if not, this machine does the work, or `Unserved` says no."""
        if any(role in host.roles for host in self.hosts.values()):
            return True
        if role not in self.settings.here:
            raise Unserved(
                f"role {role}: nothing serves it: no host of hosts.yaml has it, and `here` of fleet.yaml leaves it out"
            )
        return False

    def site(self, name: str) -> Site:
        """Return a host as a place of work; `UnknownHost`."""
        if name == LOCAL:
            return Site(LOCAL, str(self.home), str(self.home / JOBS), shlex.quote(self.program))
        known = self.hosts
        if name not in known:
            raise UnknownHost(f"host {name!r}: {unknown_name(name, (LOCAL, *known))}")
        return site_of(name, known[name])

    # The ways to the hosts.

    def local_environment(self) -> Mapping[str, str] | None:
        """The environment of this machine's jobs; None for that of this process."""
        return None

    def open_shell(self, name: str) -> Shell:
        """Return the way to a host for the few questions of a job."""
        return LocalShell(self.local_environment()) if name == LOCAL else self.open_ssh(name)

    def open_ssh(self, name: str) -> SshShell:
        """Return the way to a host over which files can be carried, too."""
        self.site(name)
        return SshShell(name, self.hosts[name], self.settings.connection, self.connect)

    def ask(self, name: str, question: Callable[[Shell], Coroutine[Any, Any, T]]) -> T:
        """Talk to a host from where nothing else waits meanwhile."""
        return asyncio.run(_closing(self.open_shell(name), question))

    def carry(self, name: str, errand: Callable[[SshShell], Coroutine[Any, Any, T]]) -> T:
        """Carry files to or from a host, from where nothing else waits meanwhile."""
        return asyncio.run(_closing(self.open_ssh(name), errand))

    @asynccontextmanager
    async def shared_shell(self, name: str) -> AsyncIterator[Shell]:
        """Open the way to a host that all who are here at the same time share, however many jobs they watch."""
        shell, users = _shared.get(name) or (LocalShell(self.local_environment()) if name == LOCAL else None, 0)
        shell = shell or self.open_ssh(name)
        _shared[name] = shell, users + 1
        try:
            yield shell
        finally:
            shell, users = _shared.pop(name)
            if users > 1:
                _shared[name] = shell, users - 1
            else:
                await shell.close()

    # The places of jobs, which the database keeps.

    @contextmanager
    def health(self) -> Iterator[Health]:
        """Open the condition of the hosts, and their places."""
        from ringrift.fleet.health import Health  # late, as what follows: it takes a second
        from ringrift.game_database import GamesDatabase
        from ringrift.game_database.settings import database_in

        with GamesDatabase(database_in(self.home), create=True) as database:  # whatever folder this process works in
            yield Health(database, self.hosts, self.settings.health)

    def place(self, job: str, role: Role, needs: Needs, excluded: Mapping[str, str]) -> Place:
        """Give a job a place; `NoHost` if there is none now."""
        with self.health() as health:
            return health.choose(job, role, needs=needs, excluded=excluded)

    def release(self, job: str) -> None:
        """Free the place of a job that has ended."""
        with self.health() as health:
            health.release(job)

    def abandon(self, job: str) -> None:
        """Give up a job whose host does not answer: it is killed once the host does."""
        with self.health() as health:
            health.abandon(job)

    def is_abandoned(self, job: str, host: str) -> bool:
        """Return whether a job is to be killed as soon as its host answers."""
        with self.health() as health:
            return job in health.abandoned(host)

    def note(self, host: str, error: RingRiftError | None) -> None:
        """Note that a host has answered, or what was wrong with it; of this machine nothing is kept."""
        if host == LOCAL or (error is not None and reaction_to(error) is Reaction.NEVER):
            return
        try:
            with self.health() as health:
                if error is None:
                    health.answered(host)
                else:
                    health.failed(host, error)
        except RingRiftError as trouble:  # of the database: no reason to leave a job alone
            LOG.warning("%s", trouble)


_shared: dict[str, tuple[Shell, int]] = {}
"""The open ways of this process, each with the number of those who use it."""


def known_hosts(database: str | None) -> dict[str, Host]:
    """Return the hosts of the settings by name, and where hosts are rented those that a database names, too."""
    if rent_settings().provider is None:
        return hosts()
    from ringrift.fleet.rentals import all_hosts  # late, as what follows: it takes a second
    from ringrift.game_database import GamesDatabase

    with GamesDatabase(database, create=True) as opened:
        return all_hosts(opened)


async def _closing(shell: Any, question: Callable[[Any], Coroutine[Any, Any, T]]) -> T:
    try:
        return await question(shell)
    finally:
        await shell.close()


def without(prefix: str) -> dict[str, str]:
    """Return the environment of this process without the variables of a program, in which there may be secrets."""
    return {name: value for name, value in os.environ.items() if not name.lstrip("_").startswith(prefix)}
