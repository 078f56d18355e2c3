"""The pools of the settings, made in Airflow when it starts, and again when a run begins and one is missing."""

from __future__ import annotations

import contextlib
import logging
from typing import Any, Final

from airflow.listeners import hookimpl
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import object_session

from ringrift_airflow.dag import PREFIX
from ringrift_airflow.pools import make_pools

LOG: Final = logging.getLogger(__name__)


@hookimpl
def on_starting(component: Any) -> None:
    """Make the pools of the settings, as they stand there, when a component of Airflow starts."""
    from airflow.jobs.job import Job
    from airflow.utils.session import create_session

    if isinstance(component, Job):  # and no task, which may not touch Airflow's database
        with contextlib.suppress(IntegrityError), create_session() as session:  # another part was quicker
            make_pools(session, overwrite=True)


@hookimpl
def on_dag_run_running(dag_run: Any, msg: str) -> None:
    """Make the pools that a run which begins would lack: its tasks would stay queued silently."""
    session = object_session(dag_run)
    if session is not None and dag_run.dag_id.startswith(PREFIX):
        for name in make_pools(session, overwrite=False):
            LOG.warning("pool %s was missing; it is made anew from pools.json", name)
