"""Loads the DAGs twice as Airflow does, in a process of its own, and prints what is true of them as JSON."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.definitions.mappedoperator import MappedOperator
from airflow.serialization.serialized_objects import DagSerialization


def task_facts(task: Any) -> dict[str, Any]:
    mapped = isinstance(task, MappedOperator)
    return {
        "pool": task.pool,
        "retries": task.retries,
        "at_once": task.max_active_tis_per_dag,
        "doc": task.doc_md,
        "mapped": mapped,
        "downstream": sorted(task.downstream_task_ids),
        "retry_policy": bool(task.retry_policy),
        "inlets": [asset.name for asset in task.inlets],
        "outlets": [asset.name for asset in task.outlets],
    }


def main() -> None:
    bags = []
    for _ in range(2):
        began = time.perf_counter()
        bag = DagBag(sys.argv[1])
        bags.append((bag, time.perf_counter() - began))
        time.sleep(0.2)
    facts = {
        "errors": bags[0][0].import_errors,
        "seconds": bags[1][1],
        "heavy": sorted({"numba", "torch"} & sys.modules.keys()),
        "same": all(
            json.dumps(DagSerialization.to_dict(bags[0][0].dags[name]), sort_keys=True, default=str)
            == json.dumps(DagSerialization.to_dict(bags[1][0].dags[name]), sort_keys=True, default=str)
            for name in bags[0][0].dags
        ),
        "dags": {
            name: {
                "tags": sorted(dag.tags),
                "doc": dag.doc_md,
                "description": dag.description,
                "timetable": type(dag.timetable).__name__,
                "runs": dag.max_active_runs,
                "catchup": dag.catchup,
                "paused": dag.is_paused_upon_creation,
                "params": {key: dag.params.get_param(key).schema for key in dag.params},
                "descriptions": {key: dag.params.get_param(key).description for key in dag.params},
                "tasks": {task.task_id: task_facts(task) for task in dag.tasks},
            }
            for name, dag in bags[0][0].dags.items()
        },
    }
    print(json.dumps(facts))


main()
