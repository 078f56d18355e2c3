"""The weights of configs, which set how many games of self-play each of them gets; decided anew every hour."""

from __future__ import annotations

from ringrift_airflow.dag import dag_settings, ringrift_dag
from ringrift_airflow.operators.ringrift import RingriftOperator, hours

settings = dag_settings()
name, preset = settings.chosen()

with ringrift_dag(
    "ringrift__allocation",
    settings,
    description="Games of self-play for each config, by what they are worth",
    every=preset.maintenance.weights,
    max_active_runs=1,
    tags=["maintenance"],
    doc_md="### Games for each config\n\nThe weight of a config follows from what its Elo gains, the games that wait, "
    "the cost of a game and the size of its pool; `ringrift status` shows it with its reasons. The runs that begin "
    "afterwards read it. Settings: `maintenance.weights` of the preset in loop.yaml, allocation.yaml.",
):
    RingriftOperator(
        task_id="weigh",
        words=["allocate", "--preset", name],
        deadline=hours(1),
        pool="ringrift_database",
        doc_md="`ringrift allocate`: decide the weights anew, and write the table. Settings: allocation.yaml.",
    )
