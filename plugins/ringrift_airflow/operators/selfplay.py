"""Self-play of one shard of an interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException

from ringrift.settings import unknown_name
from ringrift_airflow.data_interval import interval_name, shard_run
from ringrift_airflow.operators.ringrift import RingriftOperator


class RemoteSelfplayOperator(RingriftOperator):
    """Self-play of one shard of an interval. Config, interval and shard name the run, and the run decides the games.

    So the same interval has the same games, whoever plays them and however often, as long as the same model plays.

    :param shard: its number; the shards of an interval play different games.
    :param games: how many.
    :param players: as of `ringrift selfplay --players`; by default those of selfplay.yaml.
    """

    template_fields: Sequence[str] = ("words", "host", "environment", "games", "players")

    def __init__(self, *, config: str, shard: int, games: int | str, players: str = "", **kwargs: Any) -> None:
        super().__init__(words=["selfplay", config], **({"role": "selfplay"} | kwargs))
        self.config = config
        self.shard = shard
        self.games = games
        self.players = players

    def work(self, context: Context) -> Any:
        """Play, unless the run was asked for something that there is not: this is its first task."""
        check_parameters(context)
        return super().work(context)

    def arguments(self, context: Context) -> list[str]:
        """Return the command of the shard; its folder is its own, so that several intervals can be played at once."""
        run = shard_run(self.config, interval_name(context), self.shard)
        host = ["--host", self.site.host] if self.site.remote else []
        players = ["--players", self.players] if self.players else []
        return [*self.words, "--run", run, *host, "--worker", run, "--games", str(self.games), *players]


def check_parameters(context: Context) -> None:
    """Refuse parameters that the DAG does not have, which Airflow takes without a word; `AirflowFailException`."""
    known = tuple(context["dag"].params)
    for name in context["dag_run"].conf or {}:
        if name not in known:
            raise AirflowFailException(f"parameter {name!r}: {unknown_name(name, known)}")
