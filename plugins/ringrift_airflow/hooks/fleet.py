"""`FleetHook`: this machine and the hosts of the settings, as Airflow's tasks and triggers see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow.sdk import BaseHook

from ringrift.fleet import Shell
from ringrift.fleet.fleet import Fleet, without
from ringrift.fleet.hosts import ConnectionSettings, Host, Role
from ringrift_airflow.retries import failing_at_once
from ringrift_airflow.workspace import home, program

if TYPE_CHECKING:
    import asyncssh


class FleetHook(Fleet, BaseHook):
    """The hosts; those that name a connection of Airflow are reached by the hooks of its SSH provider.

    Workers ask with `SSHHook` (paramiko); triggers, and transfers of files, connect with `SSHHookAsync` (asyncssh).
    """

    def __init__(self) -> None:
        BaseHook.__init__(self)
        Fleet.__init__(self, home(), program(), _connect)

    def has(self, role: Role) -> bool:
        """Return whether there are hosts for a role; a role that nothing serves fails the task at once."""
        with failing_at_once():
            return super().has(role)

    def local_environment(self) -> Mapping[str, str]:
        """Return an environment for jobs of this machine without Airflow's settings, which contain secrets."""
        return without("AIRFLOW")

    def open_shell(self, name: str) -> Shell:
        """Return the way to a host for a worker."""
        host = self.hosts.get(name)
        if host is None or host.connection is None:
            return super().open_shell(name)
        from ringrift_airflow.hooks.ssh import ConnectionShell  # late: most hosts need no provider

        return ConnectionShell(name, host.connection, self.settings.connection)


async def _connect(host: Host, settings: ConnectionSettings) -> asyncssh.SSHClientConnection:
    from ringrift_airflow.hooks.ssh import connect  # late, as above

    return await connect(host, settings)
