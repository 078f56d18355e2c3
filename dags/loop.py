"""The loop: one DAG for every config of the preset in `include/config/loop.yaml`."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, Param

from ringrift.pipeline.settings import MOST_GAMES, LoopPreset, LoopSettings, loop_settings, training_presets
from ringrift_airflow.assets import lineage
from ringrift_airflow.dag import ringrift_dag
from ringrift_airflow.operators.distribute import DistributeModelOperator
from ringrift_airflow.operators.evaluation import RateOperator, RemoteGauntletOperator
from ringrift_airflow.operators.export import ExportOperator
from ringrift_airflow.operators.promotion import GateOperator, PromoteOperator
from ringrift_airflow.operators.ringrift import RingriftOperator, hours
from ringrift_airflow.operators.selfplay import RemoteSelfplayOperator
from ringrift_airflow.operators.sync import SyncGamesOperator
from ringrift_airflow.operators.train import RemoteTrainOperator
from ringrift_airflow.sensors.games_threshold import GamesThresholdSensor

PLAYER = r"^(mixed:.+|[a-z]+(:[^@?]+)?(@[1-9][0-9]*)?(\?.+)?)?$"
"""The form of a player's name, for the form in the UI; what it means, `ringrift selfplay` judges."""

ABOUT = """
### The loop of {config}

Self-play → sync → aggregate → ready → export → train → gauntlet → gate → {approval}promote → distribute, for every
interval of `{every}` (preset **{preset}** of `include/config/loop.yaml`). `rate` gives every new model its Elo.

- Self-play of the next interval never waits for a training: up to {runs} runs are under way at once, but there is one
  training, one gauntlet and one promotion of the config at a time.
- `ready` lets a training begin with {games} new games, and {minutes:g} minutes after the last one; else the rest of the
  run is skipped, and its log says what was missing.
- A **backfill** makes the games and data sets of past intervals. It trains and promotes only with `train_in_backfill`,
  on the data set of the config. {same}
- `ringrift halt --reason …` ends all jobs and lets every task wait; `ringrift resume` lets them go on.
- Any task works alone: `airflow tasks test {dag} train 2026-01-01`.
"""


def loop_dag(config: str, settings: LoopSettings) -> DAG:
    """The DAG of a config."""
    name, preset = settings.chosen()
    made = lineage(config)
    approval = preset.approval.wanted
    dag_id = f"ringrift__{config}"
    board, _, players = config.rpartition("_")
    with ringrift_dag(
        dag_id,
        settings,
        description=f"Self-play, training and promotion of {config}",
        every=preset.every,
        max_active_runs=preset.runs_at_once,
        tags=["loop", board, players],
        doc_md=ABOUT.format(
            config=config,
            dag=dag_id,
            every=preset.every,
            preset=name,
            runs=preset.runs_at_once,
            games=preset.training.new_games,
            minutes=preset.training.minutes,
            approval="approve → " if approval else "",
            same=same_again(preset.selfplay.players),
        ),
        params={
            "games": Param(
                preset.selfplay.games, type="integer", minimum=1, maximum=MOST_GAMES, title="Games of each shard"
            ),
            "players": Param(
                preset.selfplay.players or None,
                type=["null", "string"],
                pattern=PLAYER,
                title="Players",
                description="As of `ringrift selfplay --players`; empty for those of selfplay.yaml.",
            ),
            "training_preset": Param(
                preset.training.preset,
                type="string",
                enum=list(training_presets()),
                title="Training preset",
                description="Of hyperparameters.yaml.",
            ),
            "train_now": Param(
                False, type="boolean", title="Train now", description="However few new games there are."
            ),
            "train_in_backfill": Param(
                False,
                type="boolean",
                title="Train in a backfill",
                description="By default a backfill makes games and data sets only.",
            ),
        },
    ) as dag:
        selfplay = RemoteSelfplayOperator.partial(
            task_id="selfplay",
            config=config,
            games="{{ params.games }}",
            players="{{ params.players or '' }}",
            gpus=preset.selfplay.gpus,
            deadline=hours(preset.selfplay.hours),
            pool="ringrift_selfplay",
            doc_md="`ringrift selfplay`: a shard of the games. Settings: `selfplay` of the preset, selfplay.yaml.",
        ).expand(shard=list(range(preset.selfplay.shards)))
        sync = SyncGamesOperator(
            task_id="sync",
            config=config,
            pool="ringrift_sync",
            doc_md="Fetch the finished games of all hosts of self-play. Where there are none, they are here already. "
            "Settings: hosts.yaml, fleet.yaml.",
        )
        aggregate = RingriftOperator(
            task_id="aggregate",
            words=["games", "ingest", f"data/selfplay/{config}"],
            deferrable=False,
            pool="ringrift_database",
            outlets=[made.games],
            doc_md="`ringrift games ingest`: all games are replayed on their way in. Settings: database.yaml.",
        )
        ready = GamesThresholdSensor(
            task_id="ready",
            config=config,
            games=preset.training.new_games,
            minutes=preset.training.minutes,
            wait=timedelta(minutes=preset.training.wait_minutes),
            doc_md="Are there enough new games? If not, the rest is skipped. Settings: `training` of the preset.",
        )
        export = ExportOperator(
            task_id="export",
            config=config,
            shards=preset.selfplay.shards,
            deferrable=False,
            max_active_tis_per_dag=1,
            pool="ringrift_database",
            outlets=[made.dataset],
            doc_md="`ringrift dataset export`: games as arrays to learn from. Settings: datasets.yaml.",
        )
        train = RemoteTrainOperator(
            task_id="train",
            config=config,
            preset="{{ params.training_preset }}",
            gpus=preset.training.gpus,
            deadline=hours(preset.training.hours),
            max_active_tis_per_dag=1,
            pool="ringrift_training",
            outlets=[made.candidate],
            doc_md="`ringrift train`: a network learns. Settings: `training` of the preset, hyperparameters.yaml.",
        )
        gauntlet = RemoteGauntletOperator(
            task_id="gauntlet",
            config=config,
            deadline=hours(preset.evaluation_hours),
            max_active_tis_per_dag=1,
            pool="ringrift_evaluation",
            doc_md="`ringrift evaluate`: games against random, heuristic and the champion. Settings: evaluation.yaml.",
        )
        rate = RateOperator(
            task_id="rate",
            config=config,
            forms=preset.rated_as,
            deadline=hours(preset.evaluation_hours),
            max_active_tis_per_dag=1,
            pool="ringrift_evaluation",
            doc_md="`ringrift rate`: Elo of the new model, promoted or not, for the curve of learning. Settings: "
            "`rated_as` of the preset, evaluation.yaml.",
        )
        gate = GateOperator(
            task_id="gate",
            config=config,
            deadline=hours(preset.evaluation_hours),
            max_active_tis_per_dag=1,
            pool="ringrift_evaluation",
            doc_md="`ringrift promote --check`: every condition of a promotion. If one is not met, the rest is "
            "skipped and the log says which. Settings: models.yaml.",
        )
        promote = PromoteOperator(
            task_id="promote",
            config=config,
            deadline=hours(preset.evaluation_hours),
            deferrable=False,
            max_active_tis_per_dag=1,
            pool="ringrift_evaluation",
            outlets=[made.production],
            doc_md="`ringrift promote`: the new champion, if all that `gate` has found is still true. Settings: "
            "models.yaml.",
        )
        distribute = DistributeModelOperator(
            task_id="distribute",
            config=config,
            doc_md="Bring the champion to all hosts of self-play. Settings: hosts.yaml, fleet.yaml.",
        )
        selfplay >> sync >> aggregate >> ready >> export >> train >> gauntlet >> gate
        train >> rate
        if approval:
            gate >> approve(config, preset) >> promote
        else:
            gate >> promote
        promote >> distribute
    return dag


def same_again(players: str) -> str:
    """Whether a backfill plays the games of an interval again as they were."""
    if players and "{best}" not in players:
        return f"The games of an interval are the same again: config, interval, shard and `{players}` decide them."
    return (
        "The games of an interval are the same again only while the same model is champion: config, interval and shard "
        "decide them, and whoever plays, which is the champion of the moment."
    )


def approve(config: str, preset: LoopPreset) -> ApprovalOperator:
    """A person says yes or no in the UI; silence is a no."""
    return ApprovalOperator(
        task_id="approve",
        subject=f"Make the new model the champion of {config}?",
        body="{{ (ti.xcom_pull(task_ids='gate') or {}).get('table', 'The gate has not been asked.') }}",
        defaults=ApprovalOperator.REJECT,
        response_timeout=hours(preset.approval.hours),
        doc_md="A person says yes or no. Settings: `approval` of the preset.",
    )


settings = loop_settings()
for config in settings.chosen()[1].configs:
    dag = loop_dag(config, settings)
    globals()[dag.dag_id] = dag
