"""What all DAGs of RingRift have in common."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, Final

from airflow.exceptions import AirflowTimetableInvalid
from airflow.sdk import DAG, CronDataIntervalTimetable
from airflow.timetables.interval import CronDataIntervalTimetable as CoreTimetable

from ringrift.pipeline.settings import LoopPreset, LoopSettings
from ringrift.settings import BadSettings, config_folder
from ringrift_airflow.notifications.failure import failure_notifiers
from ringrift_airflow.pools import pool_settings

BEGINNING: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""Of all schedules: the first interval that can be made up for."""

SCHEDULES: Final = ("every", "tournaments.shadow", "tournaments.full", "maintenance.every", "maintenance.hosts")
"""The fields of a preset that hold one."""


def ringrift_dag(dag_id: str, settings: LoopSettings, *, every: str, tags: list[str], **keywords: Any) -> DAG:
    """A DAG that is paused when it is new, and whose tasks are tried again and tell of failures as the settings say."""
    pool_settings()  # if they are wrong, this is where people look
    name, preset = settings.chosen()
    check_schedules(name, preset)
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


def check_schedules(name: str, preset: LoopPreset) -> None:
    """Refuse what is no schedule; only Airflow's own reading of them decides. `BadSettings` names the field."""
    for field in SCHEDULES:
        every = attrgetter(field)(preset)
        try:
            CoreTimetable(every, timezone="UTC").validate()
        except AirflowTimetableInvalid as error:
            raise BadSettings(
                f"{config_folder() / 'loop.yaml'}: presets.{name}.{field}: {every!r} is no schedule: {error}"
            ) from None
