"""Jobs of runs that were ended when Airflow was about to stop, which no other process would end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection

from ringrift.errors import RingRiftError
from ringrift.fleet import Job, State, kill_job, list_jobs
from ringrift.fleet.hosts import LOCAL
from ringrift.fleet.site import JOBS
from ringrift_airflow.hooks.fleet import FleetHook
from ringrift_airflow.job_owner import is_of


def end_jobs(dag: str, runs: Collection[str]) -> None:
    """Kill the jobs of runs of a DAG, and those on a host that does not answer as soon as it does."""
    if runs:
        asyncio.run(_end_jobs(dag, runs))


async def _end_jobs(dag: str, runs: Collection[str]) -> None:
    fleet, jobs = FleetHook(), []
    if (fleet.home / JOBS).is_dir():
        async with fleet.shared_shell(LOCAL) as shell:
            states = await list_jobs(shell, fleet.site(LOCAL).jobs)
        jobs += [(LOCAL, job) for job, state in states.items() if state is State.RUNNING]
    if fleet.hosts:
        with fleet.health() as health:
            jobs += [(place.host, place.job) for place in health.taken()]
    await asyncio.gather(*(_end(fleet, host, job) for host, job in jobs if any(is_of(job, dag, run) for run in runs)))


async def _end(fleet: FleetHook, host: str, job: str) -> None:
    if host != LOCAL:
        fleet.abandon(job)
    with contextlib.suppress(RingRiftError):  # of a host that does not answer
        async with fleet.shared_shell(host) as shell:
            await kill_job(shell, Job(job, fleet.site(host).jobs))
        if host != LOCAL:
            fleet.release(job)
