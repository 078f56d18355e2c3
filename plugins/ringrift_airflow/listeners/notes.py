"""Notes: why stages were skipped becomes the note of their tasks and of the run when the run ends.

Tasks cannot write notes themselves: Airflow's API for tasks has none. The scheduler does it, which has the database.
"""

from __future__ import annotations

from typing import Any, Final

from airflow.listeners import hookimpl
from sqlalchemy import select
from sqlalchemy.orm import Session, object_session

from ringrift_airflow.dag import PREFIX
from ringrift_airflow.retries import SKIP_REASON

LONGEST: Final = 1000
"""Characters of a note, as the database has room for."""


@hookimpl
def on_dag_run_success(dag_run: Any, msg: str) -> None:
    """Write the notes of a run that has ended well, with or without all of its stages."""
    write_notes(dag_run)


@hookimpl
def on_dag_run_failed(dag_run: Any, msg: str) -> None:
    """Write the notes of a run that has failed."""
    write_notes(dag_run)


def write_notes(dag_run: Any) -> None:
    """Write why stages of a run were skipped, the first one first; notes of people stay."""
    if not dag_run.dag_id.startswith(PREFIX):
        return
    session = object_session(dag_run)
    if session is not None:  # the scheduler's, which is about to commit
        _write(session, dag_run)
        return
    from airflow.models.dagrun import DagRun  # `airflow dags test`
    from airflow.utils.session import create_session

    with create_session() as session:
        _write(session, session.get_one(DagRun, dag_run.id))


def _write(session: Session, dag_run: Any) -> None:
    reasons = _reasons(session, dag_run)
    for task, reason in reasons:
        task.note = with_line(task.note, reason)
    for task, reason in reasons:
        dag_run.note = with_line(dag_run.note, f"{task.task_id}: {reason}")


def with_line(note: str | None, line: str) -> str:
    """Return a note with one more line, unless the note has that line already."""
    lines = (note or "").splitlines()
    return "\n".join(lines if line in lines else [*lines, line])[:LONGEST]


def _reasons(session: Session, dag_run: Any) -> list[tuple[Any, str]]:
    """Return the skipped tasks of a run that have given a reason, with it, in the order in which they ended."""
    from airflow.models.taskinstance import TaskInstance  # only the scheduler and its like may
    from airflow.models.xcom import XComModel

    query = select(TaskInstance).where(
        TaskInstance.dag_id == dag_run.dag_id, TaskInstance.run_id == dag_run.run_id, TaskInstance.state == "skipped"
    )
    skipped = {(task.task_id, task.map_index): task for task in session.scalars(query)}
    rows: Any = session.scalars(XComModel.get_many(run_id=dag_run.run_id, dag_ids=dag_run.dag_id, key=SKIP_REASON))
    reasons = [
        (skipped[row.task_id, row.map_index], str(XComModel.deserialize_value(row)))
        for row in rows
        if (row.task_id, row.map_index) in skipped
    ]
    return sorted(reasons, key=lambda entry: (entry[0].end_date is None, entry[0].end_date, entry[0].task_id))
