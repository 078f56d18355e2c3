"""The hosts: which of them are fit for work, every few minutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable

from ringrift.pipeline.settings import loop_settings
from ringrift_airflow.fleet import TendFleetOperator
from ringrift_airflow.notifiers import failure_notifiers

ABOUT = """
### The hosts of hosts.yaml

A retired host whose next trial has come is asked, and is back in service if it answers. Jobs that were given up
because their host did not answer are killed, places of jobs that do not run are free again, and every host of self-play
gets the champions that it lacks. Where hosts.yaml names no hosts, the task is skipped.

Settings: `maintenance.hosts` of the preset in loop.yaml, fleet.yaml.
"""

settings = loop_settings()
_, preset = settings.chosen()

with DAG(
    "ringrift__fleet",
    description="Hosts that come back, and what was left on them",
    schedule=CronDataIntervalTimetable(preset.maintenance.hosts, timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=True,
    tags=["ringrift", "maintenance"],
    doc_md=ABOUT,
    default_args={
        "retries": preset.retries,
        "retry_delay": timedelta(seconds=30),
        "on_failure_callback": failure_notifiers(settings.alerts.slack_channel, settings.alerts.mail_to),
    },
):
    TendFleetOperator(
        task_id="probe_hosts",
        configs=preset.configs,
        doc_md="Ask all hosts, but for the retired ones whose next trial has not come.",
    )
