"""Population-based training on the hosts for tuning: a task for every member of every generation."""

from __future__ import annotations

from airflow.sdk import Param

from ringrift.pipeline.settings import training_presets
from ringrift.tuning.training.settings import population_settings
from ringrift_airflow.dag import dag_settings, ringrift_dag
from ringrift_airflow.operators.population import PopulationMemberOperator, PopulationOperator
from ringrift_airflow.operators.ringrift import hours
from ringrift_airflow.retries import RETRY_POLICY

ABOUT = """
### Population-based training

{members} networks learn side by side for {generations} generations. After each of them the worst go on from checkpoint
and hyper-parameters of the best, a little changed (docs/tuning.md).

- A task is one member of one generation, as `ringrift tune population … --generation G --member M`, on any host with
  the role `hp_tuning`, else on this machine. A later try goes on from its last checkpoint; a host that dies loses
  nothing but time.
- The same name is the same population: a run that is given the name of an earlier one goes on with it.
- `report` writes `data/tuning/CONFIG/population-NAME/report.md`. `ringrift models why` tells the ancestry of a model.

Settings: `hyperparameters` of tuning.yaml, hyperparameters.yaml, `training` of the preset in loop.yaml.
"""

settings = dag_settings()
_, preset = settings.chosen()
sizes = population_settings()

with ringrift_dag(
    "ringrift__population",
    settings,
    description="Networks that learn side by side, and hyper-parameters that change with them",
    every=None,
    max_active_runs=1,
    tags=["tuning"],
    doc_md=ABOUT.format(members=sizes.members, generations=sizes.generations),
    params={
        "config": Param(
            preset.configs[0], type="string", pattern="^[a-z0-9]+_[234]p$", description="Of which data set."
        ),
        "training_preset": Param(
            preset.training.preset, enum=list(training_presets()), description="Of hyperparameters.yaml."
        ),
        "fitness": Param("loss", enum=["loss", "elo"], description="What makes a member better than another."),
        "name": Param(
            "",
            type="string",
            pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$|^$",
            description="Of the population; empty for a new one.",
        ),
    },
) as dag:
    common = {
        "config": "{{ params.config }}",
        "preset": "{{ params.training_preset }}",
        "fitness": "{{ params.fitness }}",
        "population": "{{ params.name }}",
        "sizes": (sizes.members, sizes.generations),
        "deadline": hours(preset.training.hours),
        "retry_policy": RETRY_POLICY,  # else `partial` makes it None
    }
    report = PopulationOperator(
        task_id="report",
        pool="ringrift_tuning",
        doc_md="`ringrift tune population` where all members are trained: the report, and its plots.",
        **common,
    )
    before = None
    for generation in range(sizes.generations):
        members = PopulationMemberOperator.partial(
            task_id=f"generation_{generation}",
            generation=generation,
            gpus=preset.training.gpus,
            pool="ringrift_tuning",
            map_index_template="member {{ task.member }}",
            doc_md=f"The members of generation {generation}, each from the checkpoint of its source.",
            **common,
        ).expand(member=list(range(sizes.members)))
        if before is not None:
            before >> members
        before = members
    before >> report
