"""Tournaments: a few games of the newest models now and then, and everybody against everybody every hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable

from ringrift.pipeline.settings import loop_settings
from ringrift_airflow.notifiers import failure_notifiers
from ringrift_airflow.operators import RingriftOperator, hours

settings = loop_settings()
_, preset = settings.chosen()

for kind, every, flags, about in (
    (
        "shadow",
        preset.tournaments.shadow,
        ["--shadow"],
        "A few games of every config's newest model against the anchors and its predecessor. A task fails when the "
        "model wins less than 45 % or has lost 50 Elo: that is the alarm.",
    ),
    ("full", preset.tournaments.full, [], "All engines and the champion of every config play each other, for Elo."),
):
    with DAG(
        f"ringrift__{kind}_tournament",
        description=about.partition(".")[0],
        schedule=CronDataIntervalTimetable(every, timezone="UTC"),
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=True,
        tags=["ringrift", "evaluation"],
        doc_md=f"### The {kind} tournament\n\n{about}\n\nSettings: `tournaments` of the preset, evaluation.yaml.",
        default_args={
            "retries": preset.retries,
            "retry_delay": timedelta(seconds=30),
            "on_failure_callback": failure_notifiers(settings.alerts.slack_channel, settings.alerts.mail_to),
        },
    ) as dag:
        RingriftOperator.partial(
            task_id="play",
            deadline=hours(preset.tournaments.hours),
            pool="ringrift_evaluation",
            max_active_tis_per_dag=1,
            map_index_template="{{ task.words[1] }}",
            doc_md=f"`ringrift tournament {' '.join(flags)}` for every config of the preset.",
        ).expand(words=[["tournament", config, *flags] for config in preset.configs])
    globals()[dag.dag_id] = dag
