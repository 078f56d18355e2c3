"""The maintenance DAG: check the games database, and remove obsolete files."""

from __future__ import annotations

from ringrift_airflow.dag import dag_settings, ringrift_dag
from ringrift_airflow.operators.connections import CheckConnectionsOperator
from ringrift_airflow.operators.fleet import CleanHostsOperator
from ringrift_airflow.operators.ringrift import RingriftOperator, hours
from ringrift_airflow.workspace import airflow_home

settings = dag_settings()
_, preset = settings.chosen()

with ringrift_dag(
    "ringrift__maintenance",
    settings,
    description="Checks of database and connections, removal of obsolete files",
    every=preset.maintenance.every,
    max_active_runs=1,
    tags=["maintenance"],
    doc_md="### Maintenance\n\nTasks that are independent of each other. Settings: `maintenance` of the preset in "
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
        words=["clean", "--apply", "--no-hosts", "--airflow", airflow_home()],
        pool="ringrift_database",
        doc_md="`ringrift clean --apply`: remove obsolete files: checkpoints, raw games, data sets of "
        "backfills, jobs, logs, models. Settings: housekeeping.yaml, models.yaml.",
    )
    CleanHostsOperator(
        task_id="clean_hosts",
        doc_md="The same on all hosts: jobs that ended long ago, with their logs, runs whose model is here, models "
        "whose files were given up. Settings: housekeeping.yaml, hosts.yaml.",
    )
    CheckConnectionsOperator(
        task_id="check_connections",
        alerts=settings.alerts,
        doc_md="Check the connections by which people are notified of failures. Settings: `alerts` in loop.yaml.",
    )
