"""Counters are raised by what they count, and never go down."""

from __future__ import annotations

import pytest

from ringrift.game_database import GamesDatabase
from ringrift.game_database.counters import Counted, count, read_counters


def test_a_counter_is_raised_and_remembers_the_latest_moment(database: GamesDatabase) -> None:
    with database.writing() as connection:
        count(connection, "games", "hex8_2p", "gpu-1", 3, when=1_700_000_500)
        count(connection, "games", "hex8_2p", "gpu-1", 2, when=1_700_000_100)
        count(connection, "games", "hex8_2p", "gpu-2", when=1_700_000_200)
    assert read_counters(database) == {
        "games": {("hex8_2p", "gpu-1"): Counted(5, 1_700_000_500), ("hex8_2p", "gpu-2"): Counted(1, 1_700_000_200)}
    }


def test_what_a_transaction_takes_back_is_not_counted(database: GamesDatabase) -> None:
    with pytest.raises(KeyError), database.writing() as connection:
        count(connection, "trainings", "hex8_2p", "completed")
        raise KeyError
    assert read_counters(database) == {}


def test_counters_of_two_writers_add_up(database: GamesDatabase) -> None:
    with GamesDatabase(database.name) as other:
        for each in (database, other, database):
            with each.writing() as connection:
                count(connection, "syncs", "", "gpu-1 ok")
    assert read_counters(database)["syncs"]["", "gpu-1 ok"].total == 3
