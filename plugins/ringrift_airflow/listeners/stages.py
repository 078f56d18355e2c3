"""Every stage that has ended becomes a line of JSON, which `make loop` and people read without asking Airflow."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any, Final

from airflow.listeners import hookimpl

from ringrift_airflow.dag import PREFIX
from ringrift_airflow.workspace import home

FILE: Final = Path("data") / "loop" / "stages.jsonl"


def write(ti: Any, state: str, error: Any = None) -> None:
    """Add a line in one write at the end of the file, whoever else writes there."""
    if not ti.dag_id.startswith(PREFIX):
        return
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
