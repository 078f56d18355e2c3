"""What all DAGs of RingRift have in common."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from airflow.sdk import DAG, CronDataIntervalTimetable

from ringrift.pipeline.settings import LoopSettings
from ringrift_airflow.notifiers import failure_notifiers
from ringrift_airflow.pools import pool_settings

BEGINNING: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""Of all schedules: the first interval that can be made up for."""


def ringrift_dag(dag_id: str, settings: LoopSettings, *, every: str, tags: list[str], **keywords: Any) -> DAG:
    """A DAG that is paused when it is new, and whose tasks are tried again and tell of failures as the settings say."""
    pool_settings()  # if they are wrong, this is where people look
    _, preset = settings.chosen()
    return DAG(
        dag_id,
        schedule=CronDataIntervalTimetable(every, timezone="UTC"),
        start_date=BEGINNING,
        catchup=False,
        is_paused_upon_creation=True,
        tags=["ringrift", *tags],
        default_args={
            "retries": preset.retries,
            "retry_delay": timedelta(seconds=preset.retry_seconds),
            "on_failure_callback": failure_notifiers(settings.alerts),
        },
        **keywords,
    )
