"""Games of the database as other programs ask for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from ringrift.game import Game
from ringrift.game_database import GamesDatabase, ingest
from tests.contexts import ingest_context
from tests.game_database.records import random_records, write

GAMES = 7


@pytest.fixture
def games(client: TestClient, tmp_path: Path) -> Iterator[TestClient]:
    write(tmp_path / "games" / "a.jsonl", random_records("hex8_2p", GAMES))
    with GamesDatabase(str(tmp_path / "ringrift.db"), create=True) as database:
        ingest(database, [tmp_path / "games"], ingest_context())
    yield client


def test_games_are_listed_page_by_page_without_a_gap(games: TestClient) -> None:
    found, before = [], None
    while True:
        query = {"limit": 3} | ({} if before is None else {"before": before})
        page = games.get("/api/replay/games", params=query).json()
        found += [game["id"] for game in page["games"]]
        before = page["next"]
        if before is None:
            break
    assert found == sorted(found, reverse=True)
    assert len(set(found)) == GAMES


def test_games_are_filtered_and_counted(games: TestClient) -> None:
    assert games.get("/api/replay/games", params={"config": "square8_2p"}).json()["games"] == []
    assert games.get("/api/replay/games", params={"config": "hex9"}).status_code == 422
    counts = games.get("/api/replay/stats").json()["hex8_2p"]
    assert counts["training"] + counts["holdout"] == GAMES


def test_every_position_of_a_game_is_the_one_that_its_moves_lead_to(games: TestClient) -> None:
    (first, *_) = games.get("/api/replay/games").json()["games"]
    path = f"/api/replay/games/{first['identity'][:8]}"
    assert games.get(path).json()["id"] == first["id"]
    moves = games.get(f"{path}/moves").json()["moves"]
    game = Game("hex8", 2)
    for number, move in enumerate([*moves, None]):
        if number % 20 == 0 or move is None:
            position = games.get(f"{path}/state", params={"move": number}).json()
            assert position["state_hash"] == f"{game.hash():016x}"
            assert position["moves"] == len(moves)
        if move is not None:
            game.play(move)
    assert games.get(f"{path}/state", params={"move": len(moves) + 1}).status_code == 404


@pytest.mark.parametrize("name", ["999999", "abcdef", "x", "%F0%9F%8E%B2"])
def test_a_game_that_is_not_there_is_not_found(name: str, games: TestClient) -> None:
    answer = games.get(f"/api/replay/games/{name}")
    assert answer.status_code == 404
    assert "game" in answer.json()["detail"]
