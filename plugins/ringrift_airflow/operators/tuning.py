"""Tuning of weights over hosts: a run asks, mapped tasks answer, and the run takes the answers in."""

from __future__ import annotations

import json
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
    """Start the next run of a DAG with the parameters of this one: one run for every generation.

    Nothing here waits for a halt: the first task of the next run does.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"retry_policy": RETRY_POLICY} | kwargs)

    def execute(self, context: Context) -> Any:
        """Trigger the run."""
        self.conf = dict(context["params"])
        return super().execute(context)
