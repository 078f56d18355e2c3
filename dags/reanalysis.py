"""Reanalysis: a DAG per config, started by its new champion, which searches decisions of old games again."""

from __future__ import annotations

from airflow.sdk import DAG

from ringrift.pipeline.settings import LoopPreset, LoopSettings
from ringrift_airflow.assets import lineage
from ringrift_airflow.dag import dag_settings, ringrift_dag
from ringrift_airflow.operators.ringrift import RingriftOperator, hours

ABOUT = """\
### Reanalysis of {config}

Whenever there is a new champion, it searches decisions of old games again, the newest games first; the next export
takes its policies and values. The task has the lowest priority of the pool of trainings, so it uses what would be idle.
What it has searched it does not search again.

Settings: reanalysis.yaml; `training` of the preset in loop.yaml for its deadline.
"""


def reanalysis_dag(config: str, settings: LoopSettings, preset: LoopPreset) -> DAG:
    """Return the DAG of a config."""
    assets = lineage(config)
    board, players = config.rsplit("_", 1)
    with ringrift_dag(
        f"ringrift__reanalysis_{config}",
        settings,
        every=assets.production,
        description=f"New searches of old games of {config}",
        max_active_runs=1,
        tags=["reanalysis", board, players],
        doc_md=ABOUT.format(config=config),
    ) as dag:
        RingriftOperator(
            task_id="reanalyse",
            words=["reanalyse", config],
            deadline=hours(preset.training.hours),
            max_active_tis_per_dag=1,
            pool="ringrift_training",
            priority_weight=0,
            weight_rule="absolute",
            inlets=[assets.production],
            doc_md="`ringrift reanalyse`: the champion searches old decisions again. Settings: reanalysis.yaml.",
        )
    return dag


settings = dag_settings()
_, chosen = settings.chosen()
for name in chosen.configs:
    dag = reanalysis_dag(name, settings, chosen)
    globals()[dag.dag_id] = dag
