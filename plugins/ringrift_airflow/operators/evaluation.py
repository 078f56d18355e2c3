"""The stages that measure a model: the gauntlet, and its Elo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException

from ringrift.errors import ALARM
from ringrift_airflow.operators.ringrift import AfterDataset, RingriftOperator, candidate, read_report, small
from ringrift_airflow.retries import skip


class CandidateOperator(AfterDataset):
    """A stage that looks at the model of the run.

    :param trained_by: the task that has trained it; where that has returned none, the newest model is taken.
    """

    def __init__(
        self, *, config: str, verb: str, options: Sequence[str] = (), trained_by: str = "train", **kwargs: Any
    ) -> None:
        super().__init__(words=[verb, config], **kwargs)
        self.config = config
        self.options = list(options)
        self.trained_by = trained_by

    def arguments(self, context: Context) -> list[str]:
        """Return the command, with the model of this run."""
        return [*self.words, candidate(context, self.config, self.trained_by), *self.options]


class RemoteGauntletOperator(CandidateOperator):
    """Let the model run the gauntlet. The task succeeds even if the model does not pass; its result has `passed`."""

    success_codes: ClassVar[frozenset[int]] = frozenset({0, 1})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(verb="evaluate", options=["--no-rating"], **kwargs)

    def summary(self, report: Any, code: int) -> Any:
        """Return the verdict."""
        return {"passed": code == 0, "gauntlet": small(report["gauntlet"])}


class RateOperator(CandidateOperator):
    """Let the model play for its Elo.

    :param forms: the ways in which it plays; if there are none, the task is skipped.
    """

    def __init__(self, *, forms: Sequence[str], **kwargs: Any) -> None:
        super().__init__(verb="rate", options=[word for form in forms for word in ("--as", form)], **kwargs)
        self.forms = list(forms)

    def execute(self, context: Context) -> Any:
        if not self.forms:
            skip(context, "no rating: rated_as of the preset in loop.yaml is empty")
        return super().execute(context)


class ShadowOperator(RingriftOperator):
    """Play a few games of a config's newest model. An alarm fails the task for good; one that stands skips it."""

    success_codes: ClassVar[frozenset[int]] = frozenset({0, 1, ALARM})

    def result(self, output: bytes, code: int, context: Context) -> Any:
        """Return the report, or fail with what has become worse, which the notification quotes."""
        if code:
            alarms = "; ".join(read_report(output, code, self.last_line)["alarms"])
            if code == ALARM:
                raise AirflowFailException(f"regression alarm of {self.words[1]}: {alarms}")
            skip(context, f"the regression alarm of {self.words[1]} stands: {alarms}")
        return super().result(output, code, context)
