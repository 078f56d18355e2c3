"""When a training may begin."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update

from ringrift.errors import RingRiftError
from ringrift.game_database import GamesDatabase
from ringrift.game_database.schema import games, sources
from ringrift.models import ModelStore
from ringrift.models.schema import models
from ringrift.networks import NetworkConfig, add_model, build_network
from ringrift.pipeline.readiness import readiness

COLUMNS: dict[str, Any] = {
    "lot": 0,
    "origin": "record",
    "source_id": 1,
    "run": "r",
    "seed": 0,
    "engines": "[]",
    "models": "[]",
    "opening": 0,
    "max_moves": 500,
    "host": "h",
    "worker": "0",
    "ended": 0,
    "actions": 1,
    "plies": 1,
    "choices": 1,
    "placements": 1,
    "movements": 1,
    "lines": 0,
    "regions": 0,
    "recoveries": 0,
    "forced_eliminations": 0,
    "opening_hash": 0,
    "actions_hash": 0,
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ModelStore]:
    """A store beside 40 games of square8_2p and 10 of hex8_2p."""
    with GamesDatabase(str(tmp_path / "games.db"), create=True) as opened:
        with opened.writing() as connection:
            connection.execute(insert(sources).values(id=1, path="x", position=0, lines=0))
            for number in range(50):
                config = "square8_2p" if number < 40 else "hex8_2p"
                row = COLUMNS | {"config": config, "game": number, "line": number, "identity": bytes([number]) * 16}
                connection.execute(insert(games).values(**row))
        yield ModelStore(opened, tmp_path / "models")


def trained(store: ModelStore, *, minutes_ago: float, games_then: int) -> None:
    """A model whose training chose from so many games."""
    provenance = {"steps": [{"condition": "are of square8_2p", "games": games_then}, {"condition": "x", "games": 1}]}
    training = {"created": round(time.time() - 60 * minutes_ago), "dataset": {"provenance": provenance}}
    network = build_network(NetworkConfig.of("small", "square8", 2))
    store.register(add_model(store.folder / "square8_2p", network, {"training": training}))


def test_before_the_first_training_all_games_are_new(store: ModelStore) -> None:
    found = readiness(store, "square8_2p", games=300, minutes=20)
    assert not found.ready
    assert str(found) == "40 of 300 new games; no training yet"
    assert readiness(store, "square8_2p", games=40, minutes=20).ready


def test_games_and_minutes_count_from_the_last_training(store: ModelStore) -> None:
    trained(store, minutes_ago=100, games_then=10)
    trained(store, minutes_ago=8.2, games_then=28)
    found = readiness(store, "square8_2p", games=10, minutes=20)
    assert str(found) == "12 of 10 new games; 8 of 20 minutes since the last training"
    assert str(readiness(store, "square8_2p", games=10, minutes=0)) == (
        "12 of 10 new games; 8 minutes since the last training"
    )
    assert not found.ready
    assert not readiness(store, "square8_2p", games=13, minutes=5).ready
    assert readiness(store, "square8_2p", games=12, minutes=8).ready
    assert found.to_json()["ready"] is False


def test_a_model_that_came_without_a_training_does_not_count(store: ModelStore) -> None:
    network = build_network(NetworkConfig.of("small", "square8", 2))
    store.register(add_model(store.folder / "square8_2p", network))
    assert str(readiness(store, "square8_2p", games=300, minutes=20)) == "40 of 300 new games; no training yet"


def test_a_config_that_does_not_exist_is_one_line(store: ModelStore) -> None:
    with pytest.raises(RingRiftError, match="square9_2p"):
        readiness(store, "square9_2p", games=1, minutes=1)


def test_a_training_of_the_future_does_not_hold_up_the_next(store: ModelStore) -> None:
    trained(store, minutes_ago=5, games_then=0)
    with store.database.writing() as connection:
        connection.execute(update(models).values(created=int(time.time()) + 86_400))
    found = readiness(store, "square8_2p", games=40, minutes=20)
    assert found.ready
    assert str(found) == "40 of 40 new games; the last training lies in the future, by a clock that was wrong"
