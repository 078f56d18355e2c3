"""The care for the fleet, every few minutes: hosts that come back are taken back, and what was left there ends.

A job is given up when its host does not answer. Its work is done elsewhere, and once the host answers again the job is
killed, so that it does not use up what others could have.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ringrift.errors import RingRiftError
from ringrift.fleet.health import Health
from ringrift.fleet.hosts import FleetSettings, Host
from ringrift.fleet.jobs import Job, State, kill_job, list_jobs
from ringrift.fleet.shell import Shell
from ringrift.fleet.ssh import OpenConnection, Reaction, no_connections, open_shells, reaction_to
from ringrift.fleet.usage import note_usage

AT_ONCE: Final = 32
"""Hosts that are asked at the same time: each is a handshake, and a thousand at once would last longer than any of them
may take (`connection.seconds`)."""


@dataclass(frozen=True)
class Tended:
    """The outcome for one host."""

    host: str
    trouble: str = ""
    """Why it cannot be used; empty if it can."""
    back: bool = False
    """Whether it was retired, and is in service again."""
    killed: tuple[str, ...] = ()
    """Jobs that had been given up."""
    freed: tuple[str, ...] = ()
    """Jobs that had a place, but are not there any more."""
    remarks: tuple[str, ...] = ()
    """The complaints about what it has garbled of its usage, a line each."""

    def __str__(self) -> str:
        parts = [self.trouble or f"{self.host}: {'is back in service' if self.back else 'in service'}"]
        parts += [f"job {job} had been given up, and is killed" for job in self.killed]
        parts += [f"the place of job {job} is free: it does not run there" for job in self.freed]
        return "; ".join([*parts, *self.remarks])


def tend_fleet(
    hosts: Mapping[str, Host],
    settings: FleetSettings,
    health: Health,
    connect: OpenConnection = no_connections,
) -> list[Tended]:
    """Tend all hosts at once, but for the retired ones whose next trial has not come."""

    async def run() -> list[Tended]:
        resting = await asyncio.to_thread(health.resting)
        awake = {name: host for name, host in hosts.items() if name not in resting}
        limit = asyncio.Semaphore(AT_ONCE)

        async def one(name: str) -> Tended:
            async with limit:
                return await _tend(name, shells[name], awake[name], health)

        async with open_shells(awake, settings.connection, connect) as shells:
            tended = await asyncio.gather(*map(one, awake))
        return [*tended, *(Tended(name, f"{name}: {reason}") for name, reason in resting.items())]

    return asyncio.run(run())


async def _tend(name: str, shell: Shell, host: Host, health: Health) -> Tended:
    try:
        jobs = await list_jobs(shell, host.jobs)
        remarks = await note_usage(shell, name, host, health)
        given_up = await asyncio.to_thread(health.abandoned, name)
        killed = [job for job in given_up if await kill_job(shell, Job(job, host.jobs)) is State.KILLED]
    except RingRiftError as error:
        if reaction_to(error) is not Reaction.NEVER:
            await asyncio.to_thread(health.failed, name, error)
        return Tended(name, str(error))
    for job in given_up:
        await asyncio.to_thread(health.release, job)
    running = [job for job, state in jobs.items() if state is State.RUNNING and job not in given_up]
    freed = await asyncio.to_thread(health.reconcile, name, running)
    back = await asyncio.to_thread(health.answered, name)
    return Tended(name, back=back, killed=tuple(killed), freed=tuple(freed), remarks=remarks)
