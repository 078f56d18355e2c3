"""Which games: filters, the hold-out set, exports and merges."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from ringrift.game import Game, UnknownConfig
from ringrift.game_database import BadDatabase, GamesDatabase, ingest
from ringrift.game_database.export import export_lines, write_lines
from ringrift.game_database.merge import merge
from ringrift.game_database.selection import (
    LOTS,
    NoSuchGame,
    Selection,
    count_parts,
    find_game,
    holdout_bound,
    newest,
    quarantined_lines,
)
from tests.contexts import any_context, ingest_context
from tests.game_database.records import random_records, stored_lines, write
from tests.game_database.records import write_lines as write_file


@pytest.fixture
def filled(database: GamesDatabase, tmp_path: Path) -> Iterator[GamesDatabase]:
    write(tmp_path / "a.jsonl", random_records(count=8, searched=2))
    write(tmp_path / "b.jsonl", random_records("hex8_3p", 4))
    ingest(database, [tmp_path], ingest_context())
    yield database


@pytest.mark.parametrize(
    ("selection", "count"),
    [
        (Selection(), 12),
        (Selection(config="hex8_3p"), 4),
        (Selection(engine="gumbel"), 12),
        (Selection(engine="gumbel:m.pth@32"), 4),
        (Selection(engine="umbel"), 0),
        (Selection(engine="g%l"), 0),
        (Selection(model="abc"), 12),
        (Selection(model="ab"), 0),
        (Selection(run="test"), 12),
        (Selection(run="tes"), 0),
        (Selection(source="a.jsonl"), 8),
        (Selection(since=1767225602), 8),
        (Selection(since=1767225602, until=1767225603), 2),
        (Selection(config="square8_2p", source="b.jsonl"), 0),
    ],
)
def test_filters(filled: GamesDatabase, selection: Selection, count: int) -> None:
    assert len(list(export_lines(filled, selection))) == count
    assert len(newest(filled, selection, 100)) == count


def test_an_unknown_config_is_explained(filled: GamesDatabase) -> None:
    with pytest.raises(UnknownConfig):
        newest(filled, Selection(config="hex9"), 1)


def test_the_limit_holds_across_pages(filled: GamesDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringrift.game_database.selection.PAGE", 3)
    everything = list(export_lines(filled, Selection()))
    assert len(everything) == 12
    assert list(export_lines(filled, Selection(), limit=7)) == everything[:7]


def test_the_holdout_set_depends_on_the_games_alone_and_only_grows(
    database: GamesDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = write(tmp_path / "a.jsonl", random_records(count=200, seed=5))
    write_file(tmp_path / "c" / "a.jsonl", reversed(lines))
    ingest(database, [tmp_path / "a.jsonl"], ingest_context())
    held_out = set(export_lines(database, Selection(part="holdout")))
    training = set(export_lines(database, Selection(part="training")))
    assert held_out | training == set(lines)
    assert not held_out & training
    assert count_parts(database) == {"square8_2p": (len(training), len(held_out))}
    assert 1 <= len(held_out) <= 25, "about 5 % of 200"
    with GamesDatabase(str(tmp_path / "other.db"), create=True) as other:
        ingest(other, [tmp_path / "c"], ingest_context())
        assert set(export_lines(other, Selection(part="holdout"))) == held_out
    monkeypatch.setattr("ringrift.game_database.selection.holdout_bound", lambda: LOTS // 4)
    assert held_out < set(export_lines(database, Selection(part="holdout")))


def test_the_bound_of_the_holdout_set() -> None:
    assert holdout_bound() == round(0.05 * 2**31)


def test_a_game_is_found_by_number_and_identity(filled: GamesDatabase) -> None:
    row = find_game(filled, "3")
    identity = bytes(row.identity).hex()
    assert find_game(filled, identity).id == find_game(filled, identity[:7].upper()).id == 3
    for name in ("99", "xyz", "abc", "0" * 33, "-1"):
        with pytest.raises(NoSuchGame):
            find_game(filled, name)


def test_canonical_moves_replay_in_the_engine(filled: GamesDatabase, tmp_path: Path) -> None:
    lines = list(export_lines(filled, Selection(), canonical=True))
    ours = list(export_lines(filled, Selection()))
    for line, our in zip(lines, ours, strict=True):
        fields, expected = orjson.loads(line), orjson.loads(our)
        game = Game.from_record(fields)
        assert game.actions == expected["actions"]
        assert fields["engines"] == expected["engines"]
    assert write_lines(tmp_path / "out.jsonl.gz", lines) == 12
    assert gzip.decompress((tmp_path / "out.jsonl.gz").read_bytes()) == b"".join(lines)


def test_databases_merge_into_one_with_every_game_once(filled: GamesDatabase, tmp_path: Path) -> None:
    more = random_records(count=12)
    write_file(tmp_path / "c.jsonl", [b"nonsense\n", *(record.to_line() for record in more)])
    with GamesDatabase(str(tmp_path / "other.db"), create=True) as other:
        ingest(other, [tmp_path / "c.jsonl"], ingest_context())
        before = stored_lines(other)
        report = merge(filled, other, any_context())
        assert (report.games, report.added, report.duplicates) == (12, {"square8_2p": 4}, 8)
        assert report.quarantined == {"no_record": 1}
        again = merge(filled, other, any_context())
        assert (again.added, again.duplicates, again.quarantined) == ({}, 12, {})
        assert stored_lines(other) == before
    assert len(stored_lines(filled)) == 16
    assert [line.path for line in quarantined_lines(filled, "no_record", 5)] == [str(tmp_path / "c.jsonl")]
    assert len(newest(filled, Selection(source="c.jsonl"), 20)) == 4
    assert ingest(filled, [tmp_path / "c.jsonl"], ingest_context()).duplicates == 12
    with pytest.raises(BadDatabase, match="cannot be merged with itself"):
        merge(filled, filled, any_context())


def test_what_is_wrong_in_another_database_does_not_come_in(filled: GamesDatabase, tmp_path: Path) -> None:
    import sqlite3

    with sqlite3.connect(filled.url.database or "") as connection:
        connection.execute("UPDATE games SET winner = 3 - winner WHERE id = 1")
        connection.execute("UPDATE games SET config = 'square8_4p' WHERE id = 2")
        connection.execute("DELETE FROM moves WHERE game_id = 3")
    connection.close()
    with GamesDatabase(str(tmp_path / "new.db"), create=True) as new:
        report = merge(new, filled, any_context())
    assert sum(report.added.values()) == 9
    assert report.quarantined == {"wrong_result": 1, "config": 1, "damaged": 1}
