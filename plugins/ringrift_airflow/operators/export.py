"""The data set of a config, or of one interval of it."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Context

from ringrift_airflow.data_interval import backfilled, interval_name, shard_run
from ringrift_airflow.operators.ringrift import RingriftOperator, small, trains_in_backfill


class ExportOperator(RingriftOperator):
    """Write the data set. In a backfill, only from the games of its interval, and into a folder of their own.

    A backfill that is to train writes the config's data set as every run does: that is what is trained on, and games
    that have just been played are the newest in it.

    :param shards: of self-play.
    """

    def __init__(self, *, config: str, shards: int, **kwargs: Any) -> None:
        super().__init__(words=["dataset", "export", config], **kwargs)
        self.config = config
        self.shards = shards

    def arguments(self, context: Context) -> list[str]:
        """Return the words of the command."""
        if not backfilled(context) or trains_in_backfill(context):
            return self.words
        name = interval_name(context)
        runs = [word for shard in range(self.shards) for word in ("--run", shard_run(self.config, name, shard))]
        return [*self.words, *runs, "--out", f"data/training/intervals/{name}"]

    def summary(self, report: Any, code: int) -> Any:
        """Return the facts of the training part, without its provenance."""
        return small(report[0] if isinstance(report, list) and report else report)


class ExportShareOperator(ExportOperator):
    """Write a share of the shards of the data set, beside other workers that write the others.

    :param share: its number, from 1 on.
    :param of: the number of shares.
    """

    def __init__(self, *, share: int, of: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.share = share
        self.of = of

    def arguments(self, context: Context) -> list[str]:
        """Return the words of the command."""
        return [*super().arguments(context), "--share", f"{self.share}/{self.of}"]
