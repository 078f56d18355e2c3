"""The gate, and the promotion of a model that passes it."""

from __future__ import annotations

from typing import Any, ClassVar

from airflow.sdk import Context

from ringrift_airflow.notifications.messages import tell
from ringrift_airflow.operators.evaluation import CandidateOperator
from ringrift_airflow.operators.ringrift import read_report, small
from ringrift_airflow.retries import skip


class PromoteOperator(CandidateOperator):
    """Make the model the champion; if the gate does not let it pass any more, the task is skipped and says why."""

    success_codes: ClassVar[frozenset[int]] = frozenset({0, 1})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(verb="promote", **kwargs)

    def arguments(self, context: Context) -> list[str]:
        """Return the command; a run that a person has started waits for nothing, as its games are by the champion."""
        return [*super().arguments(context), *(["--no-pause"] if context["params"].get("train_now") else [])]

    def result(self, output: bytes, code: int, context: Context) -> Any:
        """Return the gate's report, and skip the task where it says no."""
        report = read_report(output, code, self.last_line)
        for line in gate_table(report).splitlines():
            self.log.info("%s", line)
        model, outcome = report.get("model"), report.get("outcome")
        if outcome == "refused":
            tell(context, f"gate {self.config} {model}", f"{self.config}: {model} is not promoted: {refusal(report)}")
        if outcome == "promoted":
            tell(context, f"promotion {self.config}", f"{self.config}: {model} is the champion")
        if code:
            skip(context, f"not promoted: {refusal(report)}")
        return super().result(output, code, context)

    def summary(self, report: Any, code: int) -> Any:
        """Return the report with the gate's table for people."""
        return small(report) | {"table": gate_table(report)}


class GateOperator(PromoteOperator):
    """Ask the gate about the model, and promote nothing; if it refuses the model, the task is skipped and says why."""

    def arguments(self, context: Context) -> list[str]:
        """Return the words of the command."""
        return [*super().arguments(context), "--check"]


def refusal(report: Any) -> str:
    """Return the gate's answer in one line, such as «no: vs_random: …: 81 %, the limit is 90 %»."""
    return str((report.get("gate") or {}).get("verdict") or report.get("outcome"))


def gate_table(report: Any) -> str:
    """Return the gate's findings, a condition a row, as Markdown; nothing where it was not asked."""
    gate = report.get("gate")
    if gate is None:
        return ""
    against = f"champion {gate['champion']}" if gate["champion"] else "no champion yet"
    rows = ["| check | what | measured | limit | verdict |", "| --- | --- | --- | --- | --- |"]
    for check in gate["checks"]:
        cells = (check[name] for name in ("name", "asks", "measured", "limit", "verdict"))
        rows.append(f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |")
    return "\n".join([f"{gate['config']}: {gate['model']}, {against}: **{gate['verdict']}**", "", *rows])
