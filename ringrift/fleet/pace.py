"""The decisions of the control of utilisation on each host: `ringrift hosts pace`."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from ringrift.errors import RingRiftError
from ringrift.fleet.answers import garbled
from ringrift.fleet.hosts import ConnectionSettings, Host
from ringrift.fleet.shell import Shell
from ringrift.fleet.ssh import open_shells
from ringrift.resources.pace import PLAN, Plan

SCRIPT: Final = r"""case $1 in \~) home=$HOME ;; \~/*) home=$HOME/${1#??} ;; *) home=$1 ;; esac
[ ! -e "$home/$2" ] || head -c 65536 "$home/$2"
"""


@dataclass(frozen=True)
class HostPace:
    """One host."""

    host: str
    plan: Plan | None = None
    """None where nothing has been decided."""
    trouble: str = ""


@dataclass(frozen=True)
class FleetPace:
    """All hosts."""

    hosts: tuple[HostPace, ...]

    @property
    def complete(self) -> bool:
        """Whether all have answered."""
        return all(host.plan is not None or not host.trouble for host in self.hosts)

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON for programs."""
        return {
            "hosts": {
                one.host: {"trouble": one.trouble, "plan": None if one.plan is None else one.plan.to_json()}
                for one in self.hosts
            }
        }


def ask_pace(hosts: Mapping[str, Host], settings: ConnectionSettings) -> FleetPace:
    """Ask all hosts at once what their control has decided."""

    async def run() -> FleetPace:
        async with open_shells(hosts, settings) as shells:
            return FleetPace(
                tuple(await asyncio.gather(*(host_pace(shells[name], name, hosts[name]) for name in hosts)))
            )

    return asyncio.run(run())


async def host_pace(shell: Shell, name: str, host: Host) -> HostPace:
    """Ask one host."""
    try:
        answer = await shell.run(f"set -- {shlex.join([host.home, str(PLAN)])}\n{SCRIPT}".encode())
        if not answer.out.strip():
            return HostPace(name, trouble=f"{name}: nothing is decided there: no `ringrift fill` runs, see --services")
        return HostPace(name, Plan.model_validate_json(answer.out))
    except ValidationError:
        return HostPace(name, trouble=str(garbled(name, "its plan", answer.out.decode(errors="replace"))))
    except RingRiftError as error:
        return HostPace(name, trouble=str(error))
