"""Reanalysis: a DAG per config, started by its new champion, which searches decisions of old games again."""

from __future__ import annotations

from airflow.sdk import DAG

from ringrift.pipeline.settings import LoopSettings
from ringrift_airflow.assets import lineage
from ringrift_airflow.dag import config_dag, dag_settings
from ringrift_airflow.operators.ringrift import RingriftOperator, hours

ABOUT = """\
### Reanalysis of {config}

Whenever there is a new champion, it searches decisions of old games again, the newest games first; the next export
takes its policies and values. The task has the lowest priority of the pool of trainings, so it uses what would be idle.
What it has searched it does not search again.

Settings: reanalysis.yaml; `training` of the preset in loop.yaml for its deadline.
"""


def reanalysis_dag(config: str, settings: LoopSettings) -> DAG:
    """Return the DAG of a config."""
    _, preset = settings.chosen()
    champion = lineage(config).production
    about = "New searches of old games"
    with config_dag("reanalysis", config, settings, every=champion, description=about, about=ABOUT) as dag:
        RingriftOperator(
            task_id="reanalyse",
            words=["reanalyse", config],
            deadline=hours(preset.training.hours),
            max_active_tis_per_dag=1,
            pool="ringrift_training",
            priority_weight=0,
            weight_rule="absolute",
            inlets=[champion],
            doc_md="`ringrift reanalyse`: the champion searches old decisions again. Settings: reanalysis.yaml.",
        )
    return dag


settings = dag_settings()
for config in settings.chosen()[1].configs:
    dag = reanalysis_dag(config, settings)
    globals()[dag.dag_id] = dag
