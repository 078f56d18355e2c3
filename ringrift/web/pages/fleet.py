"""The hosts: how they are, what runs there, which get no work now and why."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ValidationError
from sqlalchemy import select

from ringrift.fleet.answers import HostUsage
from ringrift.fleet.health import Health
from ringrift.fleet.hosts import Host, fleet_settings, hosts
from ringrift.fleet.placement import Condition
from ringrift.fleet.schema import host_rows, places
from ringrift.game_database import AbsentDatabase, GamesDatabase
from ringrift.web.context import Context

router = APIRouter()


class HostJob(BaseModel):
    """A job that has a place on a host."""

    job: str
    gpus: str
    """The numbers of its GPUs there."""
    since: int
    """Seconds since 1970."""
    abandoned: bool
    """Whether it was given up because its host did not answer."""


class HostPage(BaseModel):
    """A host."""

    name: str
    roles: list[str]
    slots: int
    """Jobs at once."""
    gpus: int
    gpu: str | None
    """Their type."""
    resting: str | None
    """Why it gets no work now; None if it may."""
    failures: int
    """The failures in a row."""
    why: str | None
    """What was wrong when it failed last."""
    answered: int | None
    measured: int | None
    """When it has said how busy it is, in seconds since 1970."""
    usage: HostUsage | None
    jobs: list[HostJob]


class Fleet(BaseModel):
    """All hosts of the settings."""

    hosts: list[HostPage]


@router.get("/fleet")
def fleet(context: Context) -> Fleet:
    """Return all hosts of hosts.yaml, and what the database knows of them; none where this machine does all."""
    known = hosts()
    if not known:
        return Fleet(hosts=[])
    try:
        database = context.database()
    except AbsentDatabase:
        return Fleet(hosts=[_host(name, host, Condition(), None, (None, None), []) for name, host in known.items()])
    health = Health(database, known, fleet_settings().health)
    conditions, resting, usage, jobs = health.conditions(), health.resting(), _usage(database), _jobs(database)
    return Fleet(
        hosts=[
            _host(name, host, conditions[name], resting.get(name), usage.get(name, (None, None)), jobs.get(name, []))
            for name, host in known.items()
        ]
    )


def _host(
    name: str,
    host: Host,
    condition: Condition,
    resting: str | None,
    usage: tuple[int | None, HostUsage | None],
    jobs: list[HostJob],
) -> HostPage:
    measured, said = usage
    return HostPage(
        name=name,
        roles=list(host.roles),
        slots=host.slots,
        gpus=host.gpus,
        gpu=host.gpu,
        resting=resting,
        failures=condition.failures,
        why=condition.why,
        answered=condition.answered,
        measured=measured,
        usage=said,
        jobs=jobs,
    )


def _usage(database: GamesDatabase) -> dict[str, tuple[int | None, HostUsage | None]]:
    """Return what hosts have said of their load, and when; what cannot be read is left out."""
    found: dict[str, tuple[int | None, HostUsage | None]] = {}
    with database.reading() as connection:
        for row in connection.execute(select(host_rows.c.name, host_rows.c.usage, host_rows.c.measured)):
            try:
                found[row.name] = row.measured, None if row.usage is None else HostUsage.model_validate_json(row.usage)
            except ValidationError:
                found[row.name] = row.measured, None
    return found


def _jobs(database: GamesDatabase) -> dict[str, list[HostJob]]:
    """Return the jobs that have places, by host, the oldest first."""
    found: dict[str, list[HostJob]] = {}
    with database.reading() as connection:
        for row in connection.execute(select(places).order_by(places.c.since, places.c.job)):
            job = HostJob(job=row.job, gpus=row.gpus, since=row.since, abandoned=row.abandoned is not None)
            found.setdefault(row.host, []).append(job)
    return found
