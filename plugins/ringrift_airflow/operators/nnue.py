"""Small integer networks: training, and the match at equal time that decides on promotion."""

from __future__ import annotations

from typing import Any, ClassVar

from airflow.sdk import Context

from ringrift_airflow.operators.ringrift import AfterDataset, read_report, small
from ringrift_airflow.retries import skip


class TrainNnueOperator(AfterDataset):
    """Train an integer network on the config's stored games.

    :param preset: of nnue.yaml.
    """

    def __init__(self, *, config: str, preset: str, **kwargs: Any) -> None:
        super().__init__(words=["train-nnue", config, "--preset", preset], **kwargs)
        self.config = config

    def summary(self, report: Any, code: int) -> Any:
        """Return the network, its file and its losses."""
        model = report["facts"]["model"]
        losses = {loss["name"]: [loss["training"], loss["holdout"]] for loss in report["losses"]}
        return {"model": model, "path": f"models/{self.config}/{model}.nnue", "losses": losses}


class GateNnueOperator(AfterDataset):
    """Let the network of the run play for its promotion; if it is not stronger, the task is skipped and says so.

    :param trained_by: the task that has trained it.
    """

    success_codes: ClassVar[frozenset[int]] = frozenset({0, 1})

    def __init__(self, *, config: str, trained_by: str = "train", **kwargs: Any) -> None:
        super().__init__(words=["gate-nnue", config], **kwargs)
        self.trained_by = trained_by

    def arguments(self, context: Context) -> list[str]:
        """Return the command, with the network of this run."""
        return [*self.words, str(context["ti"].xcom_pull(task_ids=self.trained_by)["path"])]

    def result(self, output: bytes, code: int, context: Context) -> Any:
        """Return the report, and skip the task where the network is not stronger."""
        if code:
            report = read_report(output, code, self.last_line)
            won = report["match"]["players"][0]["share"]
            skip(context, f"not promoted: {report['network']} has won {won:.0%} of the games at equal time")
        return super().result(output, code, context)

    def summary(self, report: Any, code: int) -> Any:
        """Return the verdict and the result."""
        players = report["match"]["players"]
        return small(report | {"share": players[0]["share"], "low": players[0]["low"], "high": players[0]["high"]})
