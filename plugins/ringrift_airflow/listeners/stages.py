"""The log of stages: a line of JSON for every one that has ended, which `make loop` and people read without Airflow."""

from __future__ import annotations

import json
import logging
import os
import time
from pathlib import Path
from typing import Any, Final

from airflow.listeners import hookimpl

from ringrift.errors import RingRiftError
from ringrift.pipeline.settings import loop_settings
from ringrift.pipeline.signs_of_life import count_stage, leave_sign
from ringrift_airflow.dag import PREFIX, intervals_of_a_day
from ringrift_airflow.hooks.fleet import FleetHook
from ringrift_airflow.workspace import home

LOG: Final = logging.getLogger(__name__)
FILE: Final = Path("data") / "loop" / "stages.jsonl"


def write(ti: Any, state: str, error: Any = None) -> None:
    """Append a line in one write, as other processes append, too; count the stage, and leave a sign of life."""
    if not ti.dag_id.startswith(PREFIX):
        return
    leave_sign("airflow", _seconds_between_signs(), home())
    _count(ti.dag_id, ti.task_id, state)
    started = getattr(ti, "start_date", None)
    line = {
        "when": int(time.time()),
        "dag": ti.dag_id,
        "run": ti.run_id,
        "task": ti.task_id,
        "map_index": ti.map_index,
        "try": ti.try_number,
        "state": state,
        "seconds": round(time.time() - started.timestamp(), 1) if started else None,
        "error": str(error) if error is not None else None,
    }
    path = home() / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        os.write(handle, json.dumps(line).encode() + b"\n")
    finally:
        os.close(handle)


def _count(dag: str, task: str, state: str) -> None:
    """Count a stage of the loop in the database; trouble with that fails no stage."""
    config = dag.removeprefix(PREFIX)
    try:
        if config in loop_settings().chosen()[1].configs:
            with FleetHook().health() as health:  # the way to the database, whatever folder this process works in
                count_stage(health.database, config, task, state)
    except RingRiftError as error:
        LOG.warning("%s", error)


def _seconds_between_signs() -> float:
    """Return how often a task of `ringrift__fleet`, the most frequent DAG, ends at the least, in seconds."""
    try:
        return 86_400 / intervals_of_a_day(loop_settings().chosen()[1].maintenance.hosts)
    except (RingRiftError, ZeroDivisionError):
        return 86_400.0


def last_error(run_id: str, task_id: str) -> str | None:
    """Return the error of the last failed try of a stage; None if there is none."""
    try:
        lines = [json.loads(line) for line in (home() / FILE).read_bytes().splitlines()]
    except OSError:
        return None
    errors = [line["error"] for line in lines if (line["run"], line["task"]) == (run_id, task_id) and line["error"]]
    return errors[-1] if errors else None


@hookimpl
def on_task_instance_success(previous_state: Any, task_instance: Any) -> None:
    """Write down that a stage is done."""
    write(task_instance, "success")


@hookimpl
def on_task_instance_failed(previous_state: Any, task_instance: Any, error: Any) -> None:
    """Write down that a try of a stage has failed."""
    write(task_instance, "failed", error)


@hookimpl
def on_task_instance_skipped(previous_state: Any, task_instance: Any) -> None:
    """Write down that a stage was skipped."""
    write(task_instance, "skipped")
