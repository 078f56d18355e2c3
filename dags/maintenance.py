"""The maintenance DAG: check the games database, and remove obsolete files."""

from __future__ import annotations

from ringrift_airflow.dag import dag_settings, ringrift_dag
from ringrift_airflow.operators.connections import CheckConnectionsOperator
from ringrift_airflow.operators.fleet import SweepJobsOperator
from ringrift_airflow.operators.ringrift import RingriftOperator, hours
from ringrift_airflow.workspace import airflow_home

settings = dag_settings()
_, preset = settings.chosen()

with ringrift_dag(
    "ringrift__maintenance",
    settings,
    description="Checks of database and connections, removal of what nobody needs any more",
    every=preset.maintenance.every,
    max_active_runs=1,
    tags=["maintenance"],
    doc_md="### Maintenance\n\nTasks that need nothing of each other. Settings: `maintenance` of the preset in "
    "loop.yaml, models.yaml.",
):
    RingriftOperator(
        task_id="check_games",
        words=["games", "check", "--repair", "--quarantine"],
        deadline=hours(6),
        pool="ringrift_database",
        doc_md="`ringrift games check`: replay all that is stored, mend what can be mended; else fail. "
        "Settings: database.yaml.",
    )
    RingriftOperator(
        task_id="clean",
        words=["clean", "--apply", "--airflow", airflow_home()],
        pool="ringrift_database",
        doc_md="`ringrift clean --apply`: remove what nobody needs any more: checkpoints, raw games, data sets of "
        "backfills, logs, models. Settings: housekeeping.yaml, models.yaml.",
    )
    SweepJobsOperator(
        task_id="sweep_jobs",
        keep=hours(preset.maintenance.keep_jobs_hours),
        doc_md="Remove the folders of jobs that ended long ago, with their logs, here and on all hosts. Settings: "
        "`maintenance.keep_jobs_hours` of the preset, hosts.yaml.",
    )
    CheckConnectionsOperator(
        task_id="check_connections",
        alerts=settings.alerts,
        doc_md="Are there the connections that tell people of failures? Settings: `alerts` in loop.yaml.",
    )
