"""Counters of all events, each raised in the transaction of the event that it counts.

They never go down, whatever is pruned, and reading them takes a few rows, however many games there are. A counter has a
name (`CounterName`), a config, which is empty for events of none, and a label.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Literal, NamedTuple

from sqlalchemy import Connection, case, select
from sqlalchemy.dialects import postgresql, sqlite

from ringrift.game_database.database import GamesDatabase
from ringrift.game_database.schema import counters

CounterName = Literal[
    "games",  # stored; by host
    "arrivals",  # of games of self-play, by how long after their end; `<host> <seconds at most>`, or `<host> later`
    "games_removed",  # from the pool to quarantine; by reason
    "quarantined",  # lines; by reason
    "trainings",  # `completed` or `failed`
    "promotions",  # by outcome, as in the history of champions
    "gate",  # conditions; `<condition> <verdict>`
    "evaluations",  # by kind
    "evaluation_games",  # by kind
    "stages",  # of iterations, in Airflow or `ringrift loop`; `<stage> <outcome>`
    "messages",  # to people; by subject
    "syncs",  # of hosts; `<host> <outcome>`, where the outcome is `ok` or `failed`
]


class Counted(NamedTuple):
    """The value of a counter."""

    total: int
    last: int
    """The latest moment that was counted, in seconds since 1970."""


def count(
    connection: Connection, name: CounterName, config: str, label: str, number: int = 1, *, when: float | None = None
) -> None:
    """Raise a counter by a number, in the transaction of a connection; `when` is the moment of it, by default now."""
    insert = (sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert)(counters)
    moment = int(time.time() if when is None else when)
    new = insert.excluded
    later = case((new.last > counters.c.last, new.last), else_=counters.c.last)
    statement = insert.values(name=name, config=config, label=label, count=number, last=moment).on_conflict_do_update(
        index_elements=["name", "config", "label"], set_={"count": counters.c.count + new["count"], "last": later}
    )
    connection.execute(statement)


def read_counters(database: GamesDatabase) -> Mapping[CounterName, Mapping[tuple[str, str], Counted]]:
    """Return all counters by name, and then by config and label."""
    by_name: dict[CounterName, dict[tuple[str, str], Counted]] = {}
    with database.reading() as connection:
        for row in connection.execute(select(counters)):
            by_name.setdefault(row.name, {})[row.config, row.label] = Counted(row._mapping["count"], row.last)
    return by_name
