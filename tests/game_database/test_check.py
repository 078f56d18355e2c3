"""A check finds every kind of damage, repairs what follows from the moves, and moves away what is lost."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from ringrift.game import Game
from ringrift.game.actions import NO_TERRITORY, scalar_action
from ringrift.game.game import record_moves
from ringrift.game.records import read_records
from ringrift.game_database import BadDatabase, GamesDatabase, ingest
from ringrift.game_database.check import check
from ringrift.game_database.packing import pack_actions
from ringrift.game_database.schema import sources
from ringrift.game_database.selection import quarantined_lines
from tests.contexts import any_context, ingest_context, record
from tests.game_database.records import random_records, stored_lines, write

COUNT = 6
TRACES = Path(__file__).parent.parent / "traces"


@pytest.fixture
def filled(database: GamesDatabase, tmp_path: Path) -> Iterator[tuple[GamesDatabase, list[bytes]]]:
    lines = write(tmp_path / "0.jsonl", random_records(count=COUNT, searched=2))
    ingest(database, [tmp_path / "0.jsonl"], ingest_context())
    yield database, lines


def plant(database: GamesDatabase, statement: str, *values: object) -> None:
    """Damage a database behind its back."""
    with sqlite3.connect(database.url.database or "") as connection:
        assert connection.execute(statement, values).rowcount == 1
    connection.close()


def test_a_sound_database_is_sound(filled: tuple[GamesDatabase, list[bytes]]) -> None:
    told: list[Any] = []
    report = check(filled[0], any_context(progress=record(told)))
    assert (report.games, report.damage, report.left) == (COUNT, (), 0)
    assert told == [("checking", COUNT, COUNT, "")]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("winner", None),
        ("reason", "boredom"),
        ("ranks", "[2,2]"),
        ("plies", 1),
        ("recoveries", 77),
        ("lot", 5),
        ("opening_hash", 0),
        ("actions_hash", 0),
        ("actions", 3),
    ],
)
def test_columns_that_follow_from_the_moves_are_repaired(
    filled: tuple[GamesDatabase, list[bytes]], column: str, value: object
) -> None:
    database, lines = filled
    plant(database, f"UPDATE games SET {column} = ? WHERE id = 3", value)
    (damage,) = check(database, any_context()).damage
    assert (damage.kind, damage.game, damage.done) == ("columns", 3, "left")
    assert f"{column} is {value!r}, should be" in damage.detail
    assert check(database, any_context(), repair=True).left == 0
    assert check(database, any_context()).damage == ()
    assert stored_lines(database) == sorted(lines)


def lost_moves(database: GamesDatabase) -> None:
    plant(database, "DELETE FROM moves WHERE game_id = 5")


def garbled_moves(database: GamesDatabase) -> None:
    plant(database, "UPDATE moves SET actions = substr(actions, 1, 50) WHERE game_id = 5")


def other_moves(database: GamesDatabase) -> None:
    other = random_records(count=1, seed=99)[0].actions
    plant(database, "UPDATE moves SET actions = ? WHERE game_id = 5", pack_actions(other))


def illegal_moves(database: GamesDatabase) -> None:
    plant(database, "UPDATE moves SET actions = ? WHERE game_id = 5", pack_actions(random_records()[0].actions[1:]))


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        (lost_moves, "damaged"),
        (garbled_moves, "damaged"),
        (other_moves, "damaged"),
        (illegal_moves, "illegal_action"),
        (lambda d: plant(d, "UPDATE games SET run = 'x' WHERE id = 5"), "damaged"),
        (lambda d: plant(d, "UPDATE games SET engines = '[' WHERE id = 5"), "damaged"),
        (lambda d: plant(d, "UPDATE games SET config = 'square9_2p' WHERE id = 5"), "config"),
        (lambda d: plant(d, "UPDATE games SET identity = x'00112233445566778899aabbccddeeff' WHERE id = 5"), "damaged"),
    ],
    ids=itertools.count(),
)
def test_a_game_that_is_lost_goes_to_quarantine_and_comes_back_from_its_file(
    filled: tuple[GamesDatabase, list[bytes]], damage: object, kind: str, tmp_path: Path
) -> None:
    database, lines = filled
    assert callable(damage)
    damage(database)
    found = check(database, any_context(), repair=True)
    assert [(entry.kind, entry.game, entry.done) for entry in found.damage] == [(kind, 5, "left")]
    assert [entry.done for entry in check(database, any_context(), quarantine_bad=True).damage] == ["quarantined"]
    assert check(database, any_context()).games == COUNT - 1
    assert check(database, any_context()).damage == ()
    assert [line.reason for line in quarantined_lines(database, None, 5)] == [kind]
    assert ingest(database, [tmp_path / "0.jsonl"], ingest_context()).games == 1
    assert stored_lines(database) == sorted(lines)


def test_a_game_that_was_played_by_an_older_reading_of_the_rules_is_found_and_told(
    database: GamesDatabase, tmp_path: Path
) -> None:
    """Once the claim of move 147 was not legal, for the ring that pays is part of a cap: `NT` was forced, not `ST`."""
    game = Game("hex8")
    for move in record_moves(next(read_records(TRACES / "hex8_2p-buried.jsonl.gz"))[1])[:147]:
        game.play(move)
    skipped, forced = game.legal_actions()[-1], scalar_action(game.board.tables, NO_TERRITORY)
    stopped = replace(
        random_records("hex8_2p", 1)[0], max_moves=148, winner=None, reason=None, ranks=None, resigned=None
    )
    today, older = (
        replace(stopped, game=number, actions=np.array([*game.actions, last], np.int32))
        for number, last in enumerate((skipped, forced))
    )
    write(tmp_path / "games.jsonl", [today, older])
    assert ingest(database, [tmp_path / "games.jsonl"], ingest_context()).quarantined == {"illegal_action": 1}
    assert check(database, any_context()).damage == ()

    plant(database, "UPDATE moves SET actions = ? WHERE game_id = 1", pack_actions(older.actions))
    (damage,) = check(database, any_context(), quarantine_bad=True).damage
    assert (damage.kind, damage.game, damage.done) == ("illegal_action", 1, "quarantined")
    assert "(no_territory_action) is not legal for player 2 in phase territory_processing" in damage.detail
    assert [line.detail for line in quarantined_lines(database, None, 5)] == [damage.detail] * 2


def test_moves_without_a_game_and_games_without_a_source_are_repaired(
    filled: tuple[GamesDatabase, list[bytes]],
) -> None:
    database, lines = filled
    plant(database, "INSERT INTO moves (game_id, actions) VALUES (999, x'00')")
    plant(database, "UPDATE games SET source_id = 77 WHERE id = 1")
    assert [(damage.kind, damage.game) for damage in check(database, any_context()).damage] == [
        ("moves", 999),
        ("source", 1),
    ]
    assert check(database, any_context(), repair=True).left == 0
    assert check(database, any_context()).damage == ()
    with database.reading() as connection:
        assert "(lost)" in connection.execute(select(sources.c.path)).scalars().all()
    assert stored_lines(database) == sorted(lines)


def test_a_file_with_a_lost_page_is_found(filled: tuple[GamesDatabase, list[bytes]]) -> None:
    database, _ = filled
    path = database.url.database or ""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("DELETE FROM sqlite_master WHERE name = 'ix_games_config_id'")
    connection.close()
    with GamesDatabase(path) as again:
        report = check(again, any_context(), repair=True, quarantine_bad=True)
    assert {damage.kind for damage in report.damage} == {"file"}
    assert report.left == len(report.damage)


def test_a_file_that_was_scribbled_over_is_one_line(filled: tuple[GamesDatabase, list[bytes]]) -> None:
    database, _ = filled
    path = Path(database.url.database or "")
    database.close()  # which writes all into the one file
    data = path.read_bytes()
    path.write_bytes(data[:8192] + b"\xaa" * (len(data) - 8192))
    with (
        pytest.raises(BadDatabase, match="malformed; go on with a copy, or ingest the files"),
        GamesDatabase(str(path)) as again,
    ):
        check(again, any_context())
