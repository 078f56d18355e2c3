"""What keeps the house in order: the games database is checked, old models and old jobs are removed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable

from ringrift.pipeline.settings import loop_settings
from ringrift_airflow.fleet import SweepJobsOperator
from ringrift_airflow.notifiers import failure_notifiers
from ringrift_airflow.operators import RingriftOperator, hours

settings = loop_settings()
_, preset = settings.chosen()

with DAG(
    "ringrift__maintenance",
    description="Checks of the database, pruning of models and jobs",
    schedule=CronDataIntervalTimetable(preset.maintenance.every, timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=True,
    tags=["ringrift", "maintenance"],
    doc_md="### Maintenance\n\nThree tasks that need nothing of each other. Settings: `maintenance` of the preset in "
    "loop.yaml, models.yaml.",
    default_args={
        "retries": preset.retries,
        "retry_delay": timedelta(seconds=30),
        "on_failure_callback": failure_notifiers(settings.alerts.slack_channel, settings.alerts.mail_to),
    },
):
    RingriftOperator(
        task_id="check_games",
        words=["games", "check", "--repair", "--quarantine"],
        deadline=hours(6),
        pool="ringrift_database",
        doc_md="`ringrift games check`: replay all that is stored, mend what can be mended; else fail.",
    )
    RingriftOperator(
        task_id="prune_models",
        words=["models", "prune"],
        pool="ringrift_database",
        doc_md="`ringrift models prune`: remove the files of models that nobody needs any more.",
    )
    SweepJobsOperator(
        task_id="sweep_jobs",
        keep=hours(preset.maintenance.keep_jobs_hours),
        doc_md="Remove the folders of jobs that ended long ago, with their logs, here and on all hosts.",
    )
