"""The loop: one DAG for every config of the preset in `loop.yaml`."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, Param

from ringrift.pipeline.allocation_settings import allocation_settings, budget_of
from ringrift.pipeline.settings import MOST_GAMES, LoopPreset, LoopSettings, training_presets
from ringrift.pipeline.stages import STAGES
from ringrift_airflow.assets import lineage
from ringrift_airflow.dag import dag_settings, intervals_of_a_day, ringrift_dag
from ringrift_airflow.operators.distribute import DistributeModelOperator
from ringrift_airflow.operators.evaluation import RateOperator, RemoteGauntletOperator
from ringrift_airflow.operators.export import ExportOperator, ExportShareOperator
from ringrift_airflow.operators.promotion import GateOperator, PromoteOperator
from ringrift_airflow.operators.ringrift import RingriftOperator, hours
from ringrift_airflow.operators.selfplay import RemoteSelfplayOperator
from ringrift_airflow.operators.shared_evaluation import AFTER_GAMES, MODEL, games_on_hosts
from ringrift_airflow.operators.sync import SyncGamesOperator
from ringrift_airflow.operators.train import CheckOperator, RemoteTrainOperator
from ringrift_airflow.retries import RETRY_POLICY
from ringrift_airflow.sensors.games_threshold import GamesThresholdSensor

PLAYER = r"^(mixed:.+|[a-z]+(:[^@?]+)?(@[1-9][0-9]*)?(\?.+)?)?$"
"""The pattern of a player's name, for the form in the UI; `ringrift selfplay` checks the rest."""

ABOUT = """
### The loop of {config}

{chain}, for every interval of `{every}` (preset **{preset}** of `loop.yaml`).

{stages}

**A run plays {total:,} games** ({shards} shards), times the config's weight (`ringrift allocate`, hourly), more before
the first training (`targets` of selfplay.yaml), and fewer, down to none, where ingest or training do not keep up
(allocation.yaml). A person who names a number of games gets it, and so does a backfill. **Trigger** with
«unpause … on trigger» ticked, as it is at first, also begins the scheduled run of the last interval, which plays
{total:,} games more; untick it where only the run asked for is wanted.

- Self-play of the next interval never waits for a training: up to {runs} runs are under way at once, but there is one
  training, one gauntlet and one promotion of the config at a time.
- `threshold` lets a training begin with {new_games:,} new games{pause}; else the rest of the run is skipped. Why a
  stage is skipped is the note of its task and of the run.
- A **backfill** makes the games and data sets of past intervals: {total:,} games for each of them, {day:,} for a day.
  It trains and promotes only with `train_in_backfill`, on the data set of the config. {same}
- `ringrift halt --reason …` ends all jobs and lets every task wait; `ringrift resume` lets them go on.
- Any task works alone: `airflow tasks test {dag} train 2026-01-01`.
"""


def loop_dag(config: str, settings: LoopSettings) -> DAG:
    """Return the DAG of a config."""
    name, preset = settings.chosen()
    assets = lineage(config)
    approval = preset.approval.wanted
    dag_id = f"ringrift__{config}"
    elsewhere = {"network_gpus": preset.evaluation_gpus, "deadline": hours(preset.evaluation_hours)}
    board, _, players = config.rpartition("_")
    with ringrift_dag(
        dag_id,
        settings,
        description=f"Self-play, training and promotion of {config}",
        every=preset.every,
        max_active_runs=preset.runs_at_once,
        tags=["loop", board, players],
        doc_md=about(config, dag_id, name, preset),
        params=parameters(preset, config),
    ) as dag:
        selfplay = RemoteSelfplayOperator.partial(
            task_id="selfplay",
            config=config,
            games="{{ params.games }}",
            players="{{ params.players or '' }}",
            preset=name,
            shards=preset.selfplay.shards,
            gpus=preset.selfplay.gpus,
            deadline=hours(preset.selfplay.hours),
            pool="ringrift_selfplay",
            retry_policy=RETRY_POLICY,  # else `partial` makes it None
            doc_md=task_doc("selfplay", "`selfplay` of the preset, selfplay.yaml"),
        ).expand(shard=list(range(preset.selfplay.shards)))
        sync = SyncGamesOperator(
            task_id="sync",
            config=config,
            pool="ringrift_sync",
            doc_md=task_doc("sync", "hosts.yaml, fleet.yaml"),
        )
        ingest = RingriftOperator(
            task_id="ingest",
            words=["games", "ingest", f"data/selfplay/{config}"],
            deferrable=False,
            pool="ringrift_database",
            outlets=[assets.games],
            doc_md=task_doc("ingest", "database.yaml"),
        )
        threshold = GamesThresholdSensor(
            task_id="threshold",
            config=config,
            games=preset.training.new_games,
            minutes=preset.training.minutes,
            wait=timedelta(minutes=preset.training.wait_minutes),
            inlets=[assets.games],
            doc_md=task_doc("threshold", "`training` of the preset"),
        )
        export = ExportOperator(
            task_id="export",
            config=config,
            shards=preset.selfplay.shards,
            deferrable=False,
            max_active_tis_per_dag=1,
            pool="ringrift_database",
            inlets=[assets.games],
            outlets=[assets.dataset],
            doc_md=task_doc("export", "datasets.yaml"),
        )
        check = CheckOperator(
            task_id="check",
            config=config,
            preset="{{ params.training_preset }}",
            deadline=hours(preset.training.hours),
            deferrable=False,
            max_active_tis_per_dag=1,
            pool="ringrift_database",
            inlets=[assets.dataset],
            doc_md=task_doc("check", "training.yaml, datasets.yaml"),
        )
        train = RemoteTrainOperator(
            task_id="train",
            config=config,
            preset="{{ params.training_preset }}",
            gpus=preset.training.gpus,
            gpu=preset.training.gpu,
            deadline=hours(preset.training.hours),
            max_active_tis_per_dag=1,
            pool="ringrift_training",
            inlets=[assets.dataset],
            outlets=[assets.candidate],
            doc_md=task_doc("train", "`training` of the preset, hyperparameters.yaml"),
        )
        gauntlet_ask, gauntlet_games = games_on_hosts(
            "gauntlet", [[config, "gauntlet", MODEL, "--trial"]], config=config, **elsewhere
        )
        gauntlet = RemoteGauntletOperator(
            task_id="gauntlet",
            config=config,
            trigger_rule=AFTER_GAMES,
            deadline=hours(preset.evaluation_hours),
            max_active_tis_per_dag=1,
            pool="ringrift_evaluation",
            inlets=[assets.candidate],
            doc_md=task_doc("gauntlet", "evaluation.yaml"),
        )
        forms = [word for form in preset.rated_as for word in ("--as", form)]
        rate_ask, rate_games = games_on_hosts(
            "rate", [[config, "rating", MODEL, *forms]] if forms else [], config=config, **elsewhere
        )
        rate = RateOperator(
            task_id="rate",
            config=config,
            trigger_rule=AFTER_GAMES,
            forms=preset.rated_as,
            deadline=hours(preset.evaluation_hours),
            max_active_tis_per_dag=1,
            pool="ringrift_evaluation",
            inlets=[assets.candidate],
            doc_md=task_doc("rate", "`rated_as` of the preset, evaluation.yaml"),
        )
        gate = GateOperator(
            task_id="gate",
            config=config,
            deadline=hours(preset.evaluation_hours),
            max_active_tis_per_dag=1,
            pool="ringrift_evaluation",
            inlets=[assets.candidate],
            doc_md=task_doc("gate", "models.yaml"),
        )
        promote = PromoteOperator(
            task_id="promote",
            config=config,
            deadline=hours(preset.evaluation_hours),
            deferrable=False,
            max_active_tis_per_dag=1,
            pool="ringrift_evaluation",
            inlets=[assets.candidate],
            outlets=[assets.production],
            doc_md=task_doc("promote", "models.yaml"),
        )
        distribute = DistributeModelOperator(
            task_id="distribute",
            config=config,
            inlets=[assets.production],
            doc_md=task_doc("distribute", "hosts.yaml, fleet.yaml"),
        )
        if preset.training.export_shares > 1:
            shares = ExportShareOperator.partial(
                task_id="export_shares",
                config=config,
                shards=preset.selfplay.shards,
                of=preset.training.export_shares,
                deferrable=False,
                pool="ringrift_database",
                retry_policy=RETRY_POLICY,  # else `partial` makes it None
                doc_md=task_doc("export", "`training.export_shares` of the preset, datasets.yaml"),
            ).expand(share=list(range(1, preset.training.export_shares + 1)))
            threshold >> shares >> export
        selfplay >> sync >> ingest >> threshold >> export >> check >> train >> gauntlet >> gate
        train >> gauntlet_ask >> gauntlet_games >> gauntlet
        train >> rate_ask >> rate_games >> rate
        train >> rate
        if approval:
            gate >> approve(config, preset) >> promote
        else:
            gate >> promote
        promote >> distribute
    return dag


def about(config: str, dag_id: str, name: str, preset: LoopPreset) -> str:
    """Return what the DAG does, for its page in the UI."""
    training = preset.training
    return ABOUT.format(
        config=config,
        dag=dag_id,
        every=preset.every,
        preset=name,
        runs=preset.runs_at_once,
        shards=preset.selfplay.shards,
        total=games_of_a_run(preset, config),
        day=games_of_a_run(preset, config) * intervals_of_a_day(preset.every),
        new_games=training.new_games,
        pause=f", and {training.minutes:g} minutes after the last one" if training.minutes else "",
        chain=" → ".join(stage.name for stage in STAGES),
        stages="\n".join(f"1. `{stage.name}`: {stage.summary}." for stage in STAGES),
        same=same_again(preset.selfplay.players),
    )


def task_doc(name: str, settings: str) -> str:
    """Return what a task does, by the list of stages, and which settings it reads."""
    stage = next(stage for stage in STAGES if stage.name == name)
    return f"`{stage.command}`: {stage.summary}. Settings: {settings}."


def parameters(preset: LoopPreset, config: str) -> dict[str, Param]:
    """Return the form with which a person triggers a run."""
    shards, games, total = preset.selfplay.shards, games_of_a_shard(preset, config), games_of_a_run(preset, config)
    return {
        "games": Param(
            games,
            type="integer",
            minimum=1,
            maximum=MOST_GAMES,
            title="Games of each shard",
            description=f"Of {shards} shards: {total:,} games in all as it stands; a number that a person names holds. "
            f"With «unpause … on trigger», a paused loop begins the scheduled run of the last interval, too: {total:,} "
            "games more.",
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
            False,
            type="boolean",
            title="Train now",
            description="However few new games there are, and however new the champion is.",
        ),
        "train_in_backfill": Param(
            False,
            type="boolean",
            title="Train in a backfill",
            description="By default a backfill makes games and data sets only.",
        ),
    }


def games_of_a_shard(preset: LoopPreset, config: str) -> int:
    """Return how many games a shard of a run plays with a weight of 1."""
    return -(-budget_of(config, preset, allocation_settings()) // preset.selfplay.shards)


def games_of_a_run(preset: LoopPreset, config: str) -> int:
    """Return how many games a run of the loop plays with a weight of 1."""
    return preset.selfplay.shards * games_of_a_shard(preset, config)


def same_again(players: str) -> str:
    """Return whether a backfill plays the games of an interval again as they were."""
    if players and "{best" not in players:
        return f"The games of an interval are the same again: config, interval, shard and `{players}` decide them."
    return (
        "The games of an interval are the same again only while the same model is champion: config, interval and shard "
        "decide them, and whoever plays, which is the champion of the moment."
    )


def approve(config: str, preset: LoopPreset) -> ApprovalOperator:
    """Return the task in which a person approves or rejects in the UI; no answer rejects."""
    return ApprovalOperator(
        task_id="approve",
        subject=f"Make the new model the champion of {config}?",
        body="{{ (ti.xcom_pull(task_ids='gate') or {}).get('table', 'The gate has not been asked.') }}",
        defaults=ApprovalOperator.REJECT,
        response_timeout=hours(preset.approval.hours),
        doc_md="A person says yes or no. Settings: `approval` of the preset.",
    )


settings = dag_settings()
for config in settings.chosen()[1].configs:
    dag = loop_dag(config, settings)
    globals()[dag.dag_id] = dag
