"""Places for jobs on the hosts, as the database keeps them: who has which, and which hosts are fit for any."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ringrift.fleet.hosts import LOCAL, Role, fleet_settings, hosts
from ringrift.fleet.ssh import Reaction, reaction_to
from ringrift.game.errors import RingRiftError
from ringrift_airflow.workspace import home

if TYPE_CHECKING:
    from ringrift.fleet.health import Health, Place

log = logging.getLogger(__name__)


@contextmanager
def open_health() -> Iterator[Health]:
    """The condition of the hosts, and their places."""
    from sqlalchemy import make_url  # late, as what follows: it takes a second

    from ringrift.fleet.health import Health
    from ringrift.games import GamesDatabase
    from ringrift.games.settings import database_settings

    url = make_url(name) if "://" in (name := database_settings().url) else None
    if url is None or url.get_backend_name() == "sqlite":
        name = str(home() / ((url.database if url else name) or ""))  # whatever folder this process works in
    with GamesDatabase(name, create=True) as database:
        yield Health(database, hosts(), fleet_settings().health)


def no_host_for(role: Role, gpus: int, unfit: Mapping[str, str]) -> str | None:
    """Why no host will ever take a job, in a line; None if one will."""
    large = [name for name, host in hosts().items() if role in host.roles and host.gpus >= gpus]
    if not large:
        return f"hosts.yaml: no host with the role {role} has {gpus} GPUs, which the job needs"
    if all(name in unfit for name in large):
        return f"no host is fit for {role}: " + "; ".join(f"{name}: {why}" for name, why in unfit.items())
    return None


def take_place(job: str, role: Role, gpus: int, avoid: Mapping[str, str]) -> Place:
    """A place for a job; `NoHost` if there is none now."""
    with open_health() as health:
        return health.choose(job, role, gpus=gpus, avoid=avoid)


def release(job: str) -> None:
    """The job has ended, and its place is free."""
    with open_health() as health:
        health.release(job)


def is_abandoned(job: str, host: str) -> bool:
    """Whether a job is to be killed as soon as its host answers."""
    with open_health() as health:
        return job in health.abandoned(host)


def abandon(job: str) -> None:
    """The host does not answer: the job is killed once it does."""
    with open_health() as health:
        health.abandon(job)


async def noted(host: str, error: RingRiftError | None) -> None:
    """`note` from what must not block."""
    await asyncio.to_thread(note, host, error)


def note(host: str, error: RingRiftError | None) -> None:
    """Whether a host has answered, or what was wrong with it; of this machine nothing is kept."""
    if host == LOCAL or (error is not None and reaction_to(error) is Reaction.NEVER):
        return
    try:
        with open_health() as health:
            if error is None:
                health.answered(host)
            else:
                health.failed(host, error)
    except RingRiftError as trouble:  # of the database: no reason to leave a job alone
        log.warning("%s", trouble)
