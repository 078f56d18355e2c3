"""One line, one file or one machine that is not in order never stops the others."""

from __future__ import annotations

import gzip
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringrift.game_database import GamesDatabase, ingest
from ringrift.game_database.admission import Admitted, Line, admit
from ringrift.game_database.export import export_lines
from ringrift.game_database.selection import Selection, newest, quarantined_lines
from ringrift.selfplay.files import count_games, game_files
from tests.contexts import ingest_context
from tests.game_database.records import random_records, stored_lines, write, write_lines

RECORD = random_records(count=1)[0]
FIELDS = orjson.loads(RECORD.to_line())


def changed(**fields: Any) -> bytes:
    return orjson.dumps(FIELDS | fields) + b"\n"


def nested(levels: int) -> bytes:
    return RECORD.to_line()[:-2] + b',"note":' + b"[" * levels + b"]" * levels + b"}\n"


HARMFUL = {
    "254 levels deep": nested(254),
    "1,000 levels deep": nested(1000),
    "100,000 levels deep": nested(100_000),
    "a date of the year 30 million": changed(ended=10**15),
    "a date in milliseconds": changed(ended=1_767_225_600_000),
    "a date before all": changed(ended=-1),
    "no number": RECORD.to_line().replace(b'"seed":0', b'"seed":NaN'),
    "a number without end": RECORD.to_line().replace(b'"seed":0', b'"seed":' + b"9" * 5000),
    "a long name": changed(run="r" * 10_000),
    "a character 0": changed(worker="a\0b"),
    "a byte order mark": b"\xef\xbb\xbf" + RECORD.to_line(),
    "another encoding": RECORD.to_line().decode().encode("utf-16") + b"\n",
    "a list": b"[1]\n",
    "noise": bytes(range(255, 10, -1)) + b"\n",
}


def test_every_sound_line_comes_in_and_every_other_is_set_aside_with_a_reason(
    database: GamesDatabase, tmp_path: Path
) -> None:
    first, last = random_records(count=2)
    for number, line in enumerate(HARMFUL.values()):
        write_lines(tmp_path / "games" / f"{number}.jsonl", [line])
    write_lines(tmp_path / "games" / "all.jsonl", [first.to_line(), *HARMFUL.values(), last.to_line()])
    (tmp_path / "games" / "empty.jsonl").touch()
    (tmp_path / "games" / "empty.jsonl.gz").touch()
    report = ingest(database, [tmp_path / "games"], ingest_context())
    assert report.complete
    assert stored_lines(database) == sorted([first.to_line(), last.to_line()])
    set_aside = quarantined_lines(database, "no_record", 100)
    assert {line.raw for line in set_aside} >= {raw for name, raw in HARMFUL.items() if name != "another encoding"}
    assert all(line.detail for line in set_aside)
    assert len(newest(database, Selection(), 10)) == 2


def test_a_folder_of_empty_files_alone_is_no_trouble(database: GamesDatabase, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    report = ingest(database, [tmp_path], ingest_context())
    assert (report.files, report.lines, report.complete) == (1, 0, True)


def test_a_file_whose_name_is_no_text_is_named_and_the_others_come_in(database: GamesDatabase, tmp_path: Path) -> None:
    records = random_records(count=2)
    write(tmp_path / os.fsdecode(b"a\xff.jsonl"), records[:1])
    write(tmp_path / "b.jsonl", records[1:])
    report = ingest(database, [tmp_path], ingest_context())
    assert stored_lines(database) == [records[1].to_line()]
    assert [note for path, note in report.notes.items() if path.endswith("a\udcff.jsonl")] == [
        "cannot be read (its name is not UTF-8, and the database keeps names as text: rename it)"
    ]
    assert report.to_json()["notes"]


@pytest.mark.parametrize("filling", [b"\n", b" "], ids=["empty lines", "one line"])
def test_a_file_that_was_made_to_fill_the_memory_is_named_and_the_others_come_in(
    database: GamesDatabase, tmp_path: Path, filling: bytes
) -> None:
    (record,) = random_records(count=1)
    with gzip.open(tmp_path / "bomb.jsonl.gz", "wb") as bomb:
        for _ in range(30):
            bomb.write(filling * 1_000_000)
    write(tmp_path / "sound.jsonl.gz", [record])
    report = ingest(database, [tmp_path], ingest_context())
    assert stored_lines(database) == [record.to_line()]
    (note,) = report.notes.values()
    assert "unpacks to more than 200 times its size" in note


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=5,
)


@given(name=st.sampled_from([*FIELDS, "note", "foreign"]), value=VALUES)
def test_whatever_stands_in_a_field_the_line_is_admitted_or_turned_away(name: str, value: Any) -> None:
    import json

    (verdict,) = admit([Line(1, 1, json.dumps(FIELDS | {name: value}).encode() + b"\n")])
    if isinstance(verdict, Admitted):
        (again,) = admit([Line(1, 1, verdict.candidate.to_line())])
        assert isinstance(again, Admitted), "what is admitted can be written and read again"
    else:
        assert "\n" not in verdict.detail


@given(st.binary(max_size=100))
def test_any_noise_is_turned_away(raw: bytes) -> None:
    (verdict,) = admit([Line(1, 1, raw + b"\n")])
    assert not isinstance(verdict, Admitted)


def test_links_to_folders_of_games_are_followed_and_end_also_where_they_lead_back(
    database: GamesDatabase, tmp_path: Path
) -> None:
    lines = write(tmp_path / "disk" / "a" / "0.jsonl", random_records(count=2))
    write(tmp_path / "disk" / ".hidden" / "0.jsonl", random_records("hex8_3p", 1))
    games = tmp_path / "games"
    games.mkdir()
    (games / "disk").symlink_to(tmp_path / "disk")
    (tmp_path / "disk" / "a" / "back").symlink_to(games)
    (games / "self").symlink_to(games)
    (games / "broken").symlink_to(tmp_path / "nowhere")
    (games / "broken.jsonl").symlink_to(tmp_path / "nowhere")
    assert ingest(database, [games], ingest_context()).files == 1
    assert list(export_lines(database, Selection())) == lines
    assert [path.name for path in game_files(games) if path.exists()] == ["0.jsonl"]
    (games / "broken.jsonl").unlink()
    assert count_games(games) == 2


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one after the other"])
def test_games_that_two_machines_of_one_name_play_are_told_from_games_that_are_read_twice(
    database: GamesDatabase, tmp_path: Path, together: bool
) -> None:
    records = random_records(count=3)
    write(tmp_path / "one" / "0.jsonl", records)
    write(tmp_path / "copy" / "0.jsonl", records[:2])
    write(tmp_path / "two" / "0.jsonl", [replace(record, ended=record.ended + 60) for record in records[:2]])
    if together:
        report = ingest(database, [tmp_path], ingest_context())
    else:
        assert ingest(database, [tmp_path / "one"], ingest_context()).played_twice == 0
        assert ingest(database, [tmp_path / "copy"], ingest_context()).played_twice == 0
        report = ingest(database, [tmp_path / "two"], ingest_context())
    assert report.played_twice == 2
    assert any("2 of them were played twice: by two machines of one name" in line for line in report.reasons())
