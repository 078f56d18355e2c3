"""`HaltableOperator`: the base of all operators of the loop, which waits while the loop is halted."""

from __future__ import annotations

from typing import Any, Final

from airflow.sdk import BaseOperator, Context

from ringrift.pipeline.halt import halted
from ringrift_airflow.retries import RETRY_POLICY
from ringrift_airflow.triggers.resume import ResumeTrigger
from ringrift_airflow.workspace import home

LOOK: Final = 2.0
"""Seconds between two looks whether the halt is over."""


class HaltableOperator(BaseOperator):
    """An operator that does its `work` while the loop is not halted; else it waits in the triggerer."""

    def __init__(self, **kwargs: Any) -> None:
        # A mapped operator hands its `retry_policy` over as None where `partial` was given none.
        super().__init__(**{**kwargs, "retry_policy": kwargs.get("retry_policy") or RETRY_POLICY})

    def work(self, context: Context) -> Any:
        """Do what the task is for."""
        raise NotImplementedError

    def execute(self, context: Context) -> Any:
        """Do the work, now or after the resume."""
        if (reason := halted(home())) is not None:
            self.log.warning("%s", reason)
            self.defer(trigger=ResumeTrigger(str(home()), LOOK), method_name="go_on")
        return self.work(context)

    def go_on(self, context: Context, event: dict[str, Any] | None = None) -> Any:
        """Begin again after a wait in the triggerer."""
        return self.execute(context)
