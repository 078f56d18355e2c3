"""Tuning of weights over hosts: a run asks, mapped tasks answer, and the run takes the answers in."""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Context

from ringrift_airflow.operators.ringrift import RingriftOperator
from ringrift_airflow.retries import RETRY_POLICY


class AskOperator(RingriftOperator):
    """Ask a run for its open question; the result is a command for each part of it, none once the run is finished."""

    def summary(self, report: Any, code: int) -> Any:
        """Return the commands that answer the parts."""
        self.log.info("question %s of %s, %s parts", report["question"], report["questions"], len(report["parts"]))
        return [["tune", "answer", part] for part in report["parts"]]


class AnswerOperator(RingriftOperator):
    """Answer a part of a question; the result is the whole answer, as the run needs all of it."""

    def summary(self, report: Any, code: int) -> Any:
        """Return the answers."""
        return report


class TellOperator(RingriftOperator):
    """Hand the answers of the mapped tasks to a run. A part that no host has answered is asked again.

    :param answered_by: the mapped task.
    """

    def __init__(self, *, answered_by: str = "answer", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.answered_by = answered_by

    def arguments(self, context: Context) -> list[str]:
        """Return the command, with the answers of all tasks that have some."""
        answers = context["ti"].xcom_pull(task_ids=self.answered_by) or []
        answers = [answers] if isinstance(answers, dict) else answers  # of a single mapped task
        return [*self.words, *(json.dumps(answer) for answer in answers if answer)]


class AskAgainOperator(TriggerDagRunOperator):
    """Start the next run of a DAG with the parameters of this one and its tuning run: one for every generation.

    Nothing here waits for a halt: the first task of the next run does.

    :param begun_by: the task that knows the tuning run.
    """

    def __init__(self, *, begun_by: str, **kwargs: Any) -> None:
        super().__init__(**{"retry_policy": RETRY_POLICY} | kwargs)
        self.begun_by = begun_by

    def execute(self, context: Context) -> Any:
        """Trigger the run; it goes on with the same tuning run, also if other weights are in use by then."""
        run = context["ti"].xcom_pull(task_ids=self.begun_by)["run"]
        self.conf = dict(context["params"]) | {"run": PurePath(run).name}
        return super().execute(context)
