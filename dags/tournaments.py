"""Tournaments: a few games of the newest models now and then, and a round robin of all engines every hour."""

from __future__ import annotations

from ringrift_airflow.dag import dag_settings, ringrift_dag
from ringrift_airflow.operators.evaluation import ShadowOperator
from ringrift_airflow.operators.ringrift import RingriftOperator, hours
from ringrift_airflow.operators.shared_evaluation import games_on_hosts
from ringrift_airflow.retries import RETRY_POLICY

settings = dag_settings()
_, preset = settings.chosen()

for kind, every, flags, operator, about in (
    (
        "shadow",
        preset.tournaments.shadow,
        ["--shadow"],
        ShadowOperator,
        "A few games of every config's newest model against the anchors and its predecessor. A task fails, once, when "
        "the model is clearly weaker than its predecessor or has lost 50 Elo: that is the alarm, and no retry asks "
        "again. As long as it stands, the task of the config is skipped, and says so.",
    ),
    (
        "full",
        preset.tournaments.full,
        [],
        RingriftOperator,
        "All engines and the champion of every config play each other, for Elo.",
    ),
):
    with ringrift_dag(
        f"ringrift__{kind}_tournament",
        settings,
        description=about.partition(".")[0],
        every=every,
        max_active_runs=1,
        tags=["evaluation"],
        doc_md=f"### The {kind} tournament\n\n{about}\n\nSettings: `tournaments` of the preset, evaluation.yaml.",
    ) as dag:
        purpose = "shadow" if kind == "shadow" else "tournament"
        ask, games = games_on_hosts(
            "play",
            [[config, purpose] for config in preset.configs],
            network_gpus=preset.evaluation_gpus,
            deadline=hours(preset.tournaments.hours),
        )
        play = operator.partial(
            task_id="play",
            trigger_rule="all_done",  # the games of one config that could not be played there hold up no other
            deadline=hours(preset.tournaments.hours),
            pool="ringrift_evaluation",
            max_active_tis_per_dag=1,
            retry_policy=RETRY_POLICY,  # else `partial` makes it None
            map_index_template="{{ task.words[1] }}",
            doc_md=f"`ringrift tournament {' '.join(flags)}` for every config of the preset.",
        ).expand(words=[["tournament", config, *flags] for config in preset.configs])
        ask >> games >> play
        ask >> play
    globals()[dag.dag_id] = dag
