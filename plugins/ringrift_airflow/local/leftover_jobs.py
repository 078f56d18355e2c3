"""Jobs of runs that were ended when Airflow was about to stop: nobody else ends them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection

from ringrift.fleet import Job, State, kill_job, list_jobs
from ringrift.fleet.hosts import LOCAL, hosts
from ringrift.game.errors import RingRiftError
from ringrift_airflow.hooks.placement import abandon, open_health, release
from ringrift_airflow.job_owner import is_of
from ringrift_airflow.workspace import JOBS, home, shared_shell, site


def end_jobs(dag: str, runs: Collection[str]) -> None:
    """Kill the jobs of runs of a DAG, those of a host that does not answer as soon as it does."""
    if runs:
        asyncio.run(_end_jobs(dag, runs))


async def _end_jobs(dag: str, runs: Collection[str]) -> None:
    found = []
    if (home() / JOBS).is_dir():
        async with shared_shell(LOCAL) as shell:
            states = await list_jobs(shell, site(LOCAL).jobs)
        found += [(LOCAL, job) for job, state in states.items() if state is State.RUNNING]
    if hosts():
        with open_health() as health:
            found += [(place.host, place.job) for place in health.taken()]
    await asyncio.gather(*(_end(host, job) for host, job in found if any(is_of(job, dag, run) for run in runs)))


async def _end(host: str, job: str) -> None:
    if host != LOCAL:
        abandon(job)
    with contextlib.suppress(RingRiftError):  # of a host that does not answer
        async with shared_shell(host) as shell:
            await kill_job(shell, Job(job, site(host).jobs))
        if host != LOCAL:
            release(job)
