"""When a training may begin."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from ringrift.game import RingRiftError
from ringrift.games import GamesDatabase
from ringrift.games.schema import games, sources
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
def database(tmp_path: Path) -> Any:
    with GamesDatabase(str(tmp_path / "games.db"), create=True) as opened:
        with opened.writing() as connection:
            connection.execute(insert(sources).values(id=1, path="x", position=0, lines=0))
            for number in range(50):
                config = "square8_2p" if number < 40 else "hex8_2p"
                row = COLUMNS | {"config": config, "game": number, "line": number, "identity": bytes([number]) * 16}
                connection.execute(insert(games).values(**row))
        yield opened


def trained(models: Path, *, minutes_ago: float, games_then: int, name: str = "a") -> None:
    """A model whose training chose from so many games."""
    provenance = {"steps": [{"condition": "are of square8_2p", "games": games_then}, {"condition": "x", "games": 1}]}
    training = {"created": time.time() - 60 * minutes_ago, "dataset": {"provenance": provenance}}
    path = models / "square8_2p" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"extra": {"training": training}}))


def test_before_the_first_training_all_games_are_new(database: GamesDatabase, tmp_path: Path) -> None:
    found = readiness(database, "square8_2p", tmp_path, games=300, minutes=20)
    assert not found.ready
    assert str(found) == "40 of 300 new games; no training yet"
    assert readiness(database, "square8_2p", tmp_path, games=40, minutes=20).ready


def test_games_and_minutes_count_from_the_last_training(database: GamesDatabase, tmp_path: Path) -> None:
    trained(tmp_path, minutes_ago=100, games_then=10, name="a")
    trained(tmp_path, minutes_ago=8.2, games_then=28, name="b")
    found = readiness(database, "square8_2p", tmp_path, games=10, minutes=20)
    assert str(found) == "12 of 10 new games; 8 of 20 minutes since the last training"
    assert not found.ready
    assert not readiness(database, "square8_2p", tmp_path, games=13, minutes=5).ready
    assert readiness(database, "square8_2p", tmp_path, games=12, minutes=8).ready
    assert found.to_json()["ready"] is False


def test_files_that_are_no_models_are_passed_over(database: GamesDatabase, tmp_path: Path) -> None:
    trained(tmp_path, minutes_ago=1, games_then=39)
    for name, content in (("b", "{"), ("c", "[]"), ("d", '{"extra": {"training": {"created": "x"}}}')):
        (tmp_path / "square8_2p" / f"{name}.json").write_text(content)
    assert readiness(database, "square8_2p", tmp_path, games=300, minutes=20).new_games == 1


def test_a_config_that_does_not_exist_is_one_line(database: GamesDatabase, tmp_path: Path) -> None:
    with pytest.raises(RingRiftError, match="square9_2p"):
        readiness(database, "square9_2p", tmp_path, games=1, minutes=1)
