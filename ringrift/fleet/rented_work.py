"""The work that a rented host begins and ends with: program and services are brought to it, its last games from it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ringrift.errors import RingRiftError
from ringrift.fleet.deploy import checkout, deploy
from ringrift.fleet.hosts import FleetSettings, Host
from ringrift.fleet.services import ServiceChange, Services, bring_services, host_services
from ringrift.fleet.ssh import SshShell, open_shells
from ringrift.fleet.sync import GAMES, Sync
from ringrift.run_context import RunContext


@dataclass(frozen=True)
class RentedWork:
    """The set-up of rented hosts, and the fetching of their games before they go."""

    context: RunContext[FleetSettings]
    configs: Sequence[str]
    """The configs of the loop."""
    services: bool
    """Whether hosts of self-play also play unasked."""
    from_zero: bool = False
    """Whether they play without the champion of the package, as the loop does."""
    games: Path = GAMES
    """The folder of games here."""

    def set_up(self, hosts: Mapping[str, Host]) -> Mapping[str, str]:
        """Set hosts up, and return what is wrong by host; those that are ready are not in it."""
        players = {name: host for name, host in hosts.items() if self._plays_unasked(host)}
        services = self._services(players) if players else {}
        report = deploy(hosts, self.context, services=services)
        return {one.host: one.trouble for one in report.hosts if one.trouble}

    def bring_home(self, name: str, host: Host) -> str:
        """End the services of a host, and bring its last games; return what stands in the way, in a line."""

        async def run() -> str:
            async with open_shells({name: host}, self.context.settings.connection) as shells:
                if self._plays_unasked(host):
                    await self._stop_services(shells[name], name, host)
                settings = self.context.settings.sync.model_copy(update={"min_games": 1})
                (done,) = (await Sync(shells, self.games, settings).round()).hosts
                return done.trouble or ("some files came damaged" if done.again else "")

        if "selfplay" not in host.roles:
            return ""
        try:
            return asyncio.run(run())
        except RingRiftError as error:
            return str(error)

    def _plays_unasked(self, host: Host) -> bool:
        return self.services and "selfplay" in host.roles

    def _services(self, players: Mapping[str, Host]) -> Mapping[str, Services]:
        return host_services(checkout(), players, self.configs, from_zero=self.from_zero)

    async def _stop_services(self, shell: SshShell, name: str, host: Host) -> None:
        units = self._services({name: host})[name].units
        none = Services(host.home, (), units)
        async for step in bring_services(shell, name, none, ServiceChange(), new_release=False, dry_run=False):
            self.context.progress(f"{name}: {step}", 1, None)
