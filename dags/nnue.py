"""Small integer networks: a DAG per config, started by its new data set, that trains one and promotes the stronger."""

from __future__ import annotations

from airflow.sdk import DAG

from ringrift.pipeline.settings import LoopSettings
from ringrift_airflow.assets import lineage
from ringrift_airflow.dag import config_dag, dag_settings
from ringrift_airflow.operators.nnue import GateNnueOperator, TrainNnueOperator
from ringrift_airflow.operators.ringrift import hours

ABOUT = """\
### The integer network of {config}

Whenever there is a new data set, a small integer network (NNUE) learns from the stored games. It then plays against the
one in use, or the heuristic, in the same search at equal time. If it is stronger, `minimax:nnue` and its kin play
with it from then on; else the task `gate` is skipped and says so.

Settings: `training` of the preset in loop.yaml, nnue.yaml.
"""


def nnue_dag(config: str, settings: LoopSettings) -> DAG:
    """Return the DAG of a config."""
    _, preset = settings.chosen()
    dataset = lineage(config).dataset
    about = "Training and promotion of the integer network"
    with config_dag("nnue", config, settings, every=dataset, description=about, about=ABOUT) as dag:
        train = TrainNnueOperator(
            task_id="train",
            config=config,
            preset=preset.training.preset,
            deadline=hours(preset.training.hours),
            max_active_tis_per_dag=1,
            pool="ringrift_training",
            inlets=[dataset],
            doc_md="`ringrift train-nnue`: learn from the stored games. Settings: nnue.yaml.",
        )
        gate = GateNnueOperator(
            task_id="gate",
            config=config,
            deadline=hours(preset.evaluation_hours),
            max_active_tis_per_dag=1,
            pool="ringrift_evaluation",
            doc_md="`ringrift gate-nnue`: a match at equal time; the stronger network is promoted.",
        )
        train >> gate
    return dag


settings = dag_settings()
for config in settings.chosen()[1].configs:
    dag = nnue_dag(config, settings)
    globals()[dag.dag_id] = dag
