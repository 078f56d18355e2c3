"""The settings and defaults that all DAGs of RingRift share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, Final

import pendulum
from airflow.exceptions import AirflowTimetableInvalid
from airflow.sdk import DAG, Asset, CronDataIntervalTimetable
from airflow.timetables.base import TimeRestriction
from airflow.timetables.interval import CronDataIntervalTimetable as CoreTimetable

from ringrift.pipeline.settings import LoopPreset, LoopSettings, loop_settings
from ringrift.settings import BadSettings, config_folder
from ringrift_airflow.notifications.failure import failure_notifiers
from ringrift_airflow.pools import pool_settings

PREFIX: Final = "ringrift__"
"""The beginning of the name of every DAG."""
BEGINNING: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""The beginning of all schedules: the first interval that can be made up for."""

FROM_THE_BEGINNING: Final = TimeRestriction(earliest=pendulum.instance(BEGINNING), latest=None, catchup=True)
SCHEDULES: Final = (
    "every",
    "tournaments.shadow",
    "tournaments.full",
    "maintenance.every",
    "maintenance.hosts",
    "maintenance.weights",
)
"""The fields of a preset that hold a schedule."""


def dag_settings() -> LoopSettings:
    """Read and check the settings that DAGs are made from; `BadSettings` becomes the import error of the DAG file."""
    settings = loop_settings()
    pool_settings()
    check_schedules(*settings.chosen())
    return settings


def ringrift_dag(
    dag_id: str, settings: LoopSettings, *, every: str | Asset | None, tags: list[str], **keywords: Any
) -> DAG:
    """Make a DAG that is paused when it is new; its tasks retry and report failures as the settings say.

    It runs by the schedule `every`, whenever that asset is made anew, or, without either, when a person asks for it.
    """
    _, preset = settings.chosen()
    return DAG(
        dag_id,
        schedule=CronDataIntervalTimetable(every, timezone="UTC") if isinstance(every, str) else every and [every],
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


def config_dag(kind: str, config: str, settings: LoopSettings, *, every: Asset, description: str, about: str) -> DAG:
    """Make the DAG of a kind for one config: whenever that asset is made anew it runs, one run at a time.

    `about` is its page in the UI, in which {config} stands for the config.
    """
    board, players = config.rsplit("_", 1)
    return ringrift_dag(
        f"{PREFIX}{kind}_{config}",
        settings,
        every=every,
        description=f"{description} of {config}",
        max_active_runs=1,
        tags=[kind, board, players],
        doc_md=about.format(config=config),
    )


def check_schedules(name: str, preset: LoopPreset) -> None:
    """Refuse schedules that Airflow cannot read, or that never come; `BadSettings` names the field."""
    for field in SCHEDULES:
        every = attrgetter(field)(preset)
        where = f"{config_folder() / 'loop.yaml'}: presets.{name}.{field}: {every!r}"
        timetable = CoreTimetable(every, timezone="UTC")
        try:
            timetable.validate()
        except AirflowTimetableInvalid as error:
            raise BadSettings(f"{where} is no schedule: {error}") from None
        try:
            timetable.next_dagrun_info(last_automated_data_interval=None, restriction=FROM_THE_BEGINNING)
        except ValueError:  # croniter's; `validate` lets it pass, and the DAG would silently wait for ever
            raise BadSettings(f"{where} is a schedule that never comes: there is no such day") from None


def intervals_of_a_day(every: str) -> int:
    """Return how many intervals of a schedule end on its first whole day."""
    timetable = CoreTimetable(every, timezone="UTC")
    count, last = 0, None
    while info := timetable.next_dagrun_info(last_automated_data_interval=last, restriction=FROM_THE_BEGINNING):
        if info.run_after > BEGINNING + timedelta(days=1):
            break
        count, last = count + 1, info.data_interval
    return count
