"""The page of the hosts: their health, load and jobs, those that get no work now, and the control of this machine."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ValidationError
from sqlalchemy import select

from ringrift.fleet.answers import HostUsage
from ringrift.fleet.health import Health
from ringrift.fleet.hosts import Host, fleet_settings, hosts
from ringrift.fleet.placement import Condition
from ringrift.fleet.rentals import all_hosts
from ringrift.fleet.schema import host_rows, places
from ringrift.game_database import AbsentDatabase, GamesDatabase
from ringrift.resources.pace import PLAN, Plan, read_plan
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
    """The jobs that it runs at once."""
    gpus: int
    gpu: str | None
    """The type of its GPUs."""
    resting: str | None
    """The reason why it gets no work now; None if it may."""
    failures: int
    """The failures in a row."""
    why: str | None
    """The reason of its last failure."""
    answered: int | None
    measured: int | None
    """The time of its last report of load, in seconds since 1970."""
    usage: HostUsage | None
    jobs: list[HostJob]


class Fleet(BaseModel):
    """All hosts of the settings."""

    hosts: list[HostPage]
    control: Plan | None
    """The last decision of this machine's control (`ringrift fill`); None before the first."""


@router.get("/fleet")
def fleet(context: Context) -> Fleet:
    """Return all hosts, also those that are rented, with what the database knows; none where this machine does all."""
    known, control = hosts(), read_plan(context.home / PLAN)
    try:
        database = context.database()
        known = all_hosts(database)
    except AbsentDatabase:
        unasked = [_host(name, host, Condition(), None, (None, None), []) for name, host in known.items()]
        return Fleet(hosts=unasked, control=control)
    if not known:
        return Fleet(hosts=[], control=control)
    health = Health(database, known, fleet_settings().health)
    conditions, resting, usage, jobs = health.conditions(), health.resting(), _usage(database), _jobs(database)
    return Fleet(
        hosts=[
            _host(name, host, conditions[name], resting.get(name), usage.get(name, (None, None)), jobs.get(name, []))
            for name, host in known.items()
        ],
        control=control,
    )


def _host(
    name: str,
    host: Host,
    condition: Condition,
    resting: str | None,
    usage: tuple[int | None, HostUsage | None],
    jobs: list[HostJob],
) -> HostPage:
    measured, load = usage
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
        usage=load,
        jobs=jobs,
    )


def _usage(database: GamesDatabase) -> dict[str, tuple[int | None, HostUsage | None]]:
    """Return the reports of load by host, with their times; one that cannot be read is left out."""
    by_host: dict[str, tuple[int | None, HostUsage | None]] = {}
    with database.reading() as connection:
        for row in connection.execute(select(host_rows.c.name, host_rows.c.usage, host_rows.c.measured)):
            try:
                usage = None if row.usage is None else HostUsage.model_validate_json(row.usage)
                by_host[row.name] = row.measured, usage
            except ValidationError:
                by_host[row.name] = row.measured, None
    return by_host


def _jobs(database: GamesDatabase) -> dict[str, list[HostJob]]:
    """Return the jobs that have places, by host, the oldest first."""
    by_host: dict[str, list[HostJob]] = {}
    with database.reading() as connection:
        for row in connection.execute(select(places).order_by(places.c.since, places.c.job)):
            job = HostJob(job=row.job, gpus=row.gpus, since=row.since, abandoned=row.abandoned is not None)
            by_host.setdefault(row.host, []).append(job)
    return by_host
