"""`RingriftOperator`: one `ringrift …` command that a person could type, as a task."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException

from ringrift.fleet.failures import JobFailed
from ringrift.version import code_version
from ringrift_airflow.data_interval import backfilled
from ringrift_airflow.hooks.fleet import FleetHook
from ringrift_airflow.operators.job import RemoteJobOperator
from ringrift_airflow.retries import skip
from ringrift_airflow.workspace import home

LARGEST_RESULT = 8192
"""The bytes of JSON up to which a report goes to the next tasks whole; of a longer one, only its numbers and texts."""


class RingriftOperator(RemoteJobOperator):
    """One `ringrift …` command as a job; its `--json` report is the task's result, and goes with the asset it makes.

    :param words: what stands after `ringrift` on the command line, without `--json`.
    """

    template_fields: Sequence[str] = ("words", "host", "environment")

    def __init__(self, *, words: Sequence[str], **kwargs: Any) -> None:
        super().__init__(command="", **kwargs)
        self.words = list(words)

    def arguments(self, context: Context) -> list[str]:
        """Return the words of the command of this run."""
        return [word for word in self.words if word]

    def requirements(self, gpus: Sequence[int]) -> str:
        """Ask of another machine that it has this version of `ringrift`."""
        ours, remedy = f"ringrift {code_version()}", f"\\`ringrift hosts deploy {self.site.host}\\`"
        return super().requirements(gpus) + (
            f"theirs=$({self.site.program} --version 2>&1) ||"
            f' {{ echo "no ringrift runs there (${{theirs##*: }}): {remedy}" >&2; exit 1; }}\n'
            f'[ "$theirs" = {shlex.quote(ours)} ] ||'
            f' {{ echo "it has $theirs, and here is {ours}: {remedy}" >&2; exit 1; }}\n'
        )

    def command_line(self, context: Context) -> str:
        """Return the command as people would type it, but for where its report goes."""
        return f'{self.site.program} {shlex.join([*self.arguments(context), "--json"])} >"$RINGRIFT_JOB/output"'

    def result(self, output: bytes, code: int, context: Context) -> Any:
        """Return the report in its short form, log it, and attach it to the assets."""
        summary = self.summary(read_report(output, code, self.last_line), code)
        self.log.info("report: %s", json.dumps(summary))
        for asset in self.outlets:
            context["outlet_events"][asset].extra = summary
        return summary

    def summary(self, report: Any, code: int) -> Any:
        """Return what the next tasks get of the report."""
        return small(report)


class AfterDataset(RingriftOperator):
    """A stage that a backfill leaves out, as training and promotion of the past would be out of order."""

    def execute(self, context: Context) -> Any:
        if backfilled(context) and not trains_in_backfill(context):
            skip(context, "a backfill makes games and data sets; the parameter train_in_backfill does more")
        return super().execute(context)


def trains_in_backfill(context: Context) -> bool:
    """Return whether a backfill is to do what comes after its data set, too."""
    return bool(context["params"].get("train_in_backfill"))


def read_report(output: bytes, code: int, last_line: str) -> Any:
    """Read what a command has printed with `--json`. A crash has exit code 1, too, but no report: `JobFailed`."""
    try:
        return json.loads(output)
    except ValueError:
        if code:
            raise JobFailed(f"exit code {code} without a report: {last_line}") from None
        return {"output": output.decode(errors="replace").strip()}


def candidate(context: Context, config: str, trained_by: str) -> str:
    """Return the path of the model of this run, or of the newest one where no training has run before."""
    report = context["ti"].xcom_pull(task_ids=trained_by) or {}
    if report.get("path"):
        return str(report["path"])
    from ringrift.evaluation.participants import UnknownModel  # only when the task runs, as the next: they load numba
    from ringrift.models import ModelStore
    from ringrift.models.newest import newest_model

    try:
        with FleetHook().health() as health:
            return str(newest_model(ModelStore(health.database, home() / "models"), config).relative_to(home()))
    except UnknownModel as error:
        raise AirflowFailException(str(error)) from None


def small(report: Any) -> Any:
    """Return a report as it is if it is short, else only its numbers and texts."""
    if not isinstance(report, dict) or len(json.dumps(report)) <= LARGEST_RESULT:
        return report
    return {name: value for name, value in report.items() if not isinstance(value, (dict, list))}


def hours(number: float) -> timedelta:
    """Return hours as a span of time."""
    return timedelta(hours=number)
