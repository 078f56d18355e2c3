"""The stages that judge a model, as operators: gauntlet, rating, gate, promotion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from airflow.sdk import Context

from ringrift_airflow.exceptions import skip
from ringrift_airflow.operators.stages import AfterDataset, candidate, read_report, small


class _OfCandidate(AfterDataset):
    """A stage that looks at the model of the run.

    :param trained_by: the task that has trained it; where that has said nothing, the newest model is taken.
    """

    def __init__(
        self, *, config: str, verb: str, options: Sequence[str] = (), trained_by: str = "train", **kwargs: Any
    ) -> None:
        super().__init__(words=[verb, config], **kwargs)
        self.config = config
        self.options = list(options)
        self.trained_by = trained_by

    def arguments(self, context: Context) -> list[str]:
        """The command, with the model of this run."""
        return [*self.words, candidate(context, self.config, self.trained_by), *self.options]


class RemoteGauntletOperator(_OfCandidate):
    """Let the model run the gauntlet. The task succeeds whatever comes of it; `passed` in its result says what."""

    success_codes: ClassVar[frozenset[int]] = frozenset({0, 1})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(verb="evaluate", options=["--no-rating"], **kwargs)

    def summary(self, report: Any, code: int) -> Any:
        """The verdict."""
        return {"passed": code == 0, "gauntlet": small(report["gauntlet"])}


class RateOperator(_OfCandidate):
    """Let the model play for its Elo.

    :param forms: the ways in which it plays; if there are none, the task is skipped.
    """

    def __init__(self, *, forms: Sequence[str], **kwargs: Any) -> None:
        super().__init__(verb="rate", options=[word for form in forms for word in ("--as", form)], **kwargs)
        self.forms = list(forms)

    def execute(self, context: Context) -> Any:
        if not self.forms:
            skip(context, "nobody is rated: rated_as of the preset in loop.yaml is empty")
        return super().execute(context)


class PromoteOperator(_OfCandidate):
    """Make the model the champion; if the gate does not let it pass any more, the task is skipped and says why."""

    success_codes: ClassVar[frozenset[int]] = frozenset({0, 1})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(verb="promote", **kwargs)

    def result(self, output: bytes, code: int, context: Context) -> Any:
        """What the gate has said."""
        report = read_report(output, code, self.last_line)
        for line in gate_table(report).splitlines():
            self.log.info("%s", line)
        if code:
            skip(context, f"not promoted: {refusal(report)}")
        return super().result(output, code, context)

    def summary(self, report: Any, code: int) -> Any:
        """What has come of it, with the gate's table for people."""
        return small(report) | {"table": gate_table(report)}


class GateOperator(PromoteOperator):
    """Ask the gate about the model; nobody is promoted. If it says no, the task is skipped and says why."""

    def arguments(self, context: Context) -> list[str]:
        """The command."""
        return [*super().arguments(context), "--check"]


def refusal(report: Any) -> str:
    """The gate's answer in one line, such as «no: vs_random: …: 81 %, the limit is 90 %»."""
    return str((report.get("gate") or {}).get("verdict") or report.get("outcome"))


def gate_table(report: Any) -> str:
    """What the gate has found, condition by condition, as Markdown; nothing where it was not asked."""
    gate = report.get("gate")
    if gate is None:
        return ""
    against = f"champion {gate['champion']}" if gate["champion"] else "no champion yet"
    rows = ["| check | what | measured | limit | verdict |", "| --- | --- | --- | --- | --- |"]
    for check in gate["checks"]:
        cells = (check[name] for name in ("name", "asks", "measured", "limit", "verdict"))
        rows.append(f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |")
    return "\n".join([f"{gate['config']}: {gate['model']}, {against}: **{gate['verdict']}**", "", *rows])
