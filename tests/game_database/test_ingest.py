"""Ingest: every game once and none lost, whatever happens to the files, the process and the clock."""

from __future__ import annotations

import gzip
import os
import random
import shutil
import sqlite3
import time
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import func, select

from ringrift.game_database import GamesDatabase, IngestReport, ingest
from ringrift.game_database.export import export_lines
from ringrift.game_database.schema import games, moves, sources
from ringrift.game_database.selection import Selection, quarantined_lines
from ringrift.game_database.sources import UnreadableSource
from ringrift.settings import DEFAULTS
from tests.cli.processes import ringrift_on_a_full_disk
from tests.contexts import ingest_context, record
from tests.game_database.processes import finish, start_ingest
from tests.game_database.records import random_records, stored_lines, write, write_lines


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "selfplay").mkdir()
    return tmp_path / "selfplay"


@pytest.fixture
def small_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings under which a batch is four games."""
    shutil.copytree(DEFAULTS, tmp_path / "config")
    path = tmp_path / "config" / "database.yaml"
    path.write_text(path.read_text().replace("batch_games: 128", "batch_games: 4"))
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(tmp_path / "config"))


def counts(report: IngestReport) -> tuple[int, int, int]:
    return report.games, report.duplicates, sum(report.quarantined.values())


def test_games_come_in_exactly_and_once(database: GamesDatabase, folder: Path) -> None:
    lines = write(folder / "a" / "0.jsonl", random_records(count=8, searched=4))
    lines += write(folder / "b" / "0.jsonl.gz", random_records("hex8_3p", 4))
    report = ingest(database, [folder], ingest_context())
    assert report.added == {"square8_2p": 8, "hex8_3p": 4}
    assert (report.files, report.lines, report.duplicates, report.quarantined) == (2, 12, 0, {})
    assert list(export_lines(database, Selection())) == lines, "in the order of the files"
    again = ingest(database, [folder, folder / "a"], ingest_context())
    assert (again.files, again.unchanged, again.lines, again.games) == (2, 2, 0, 0)
    assert again.reasons() == ["nothing to do: 2 files have no new lines since the last ingest"]
    assert stored_lines(database) == sorted(lines)


def test_a_torn_line_waits_for_its_end(database: GamesDatabase, folder: Path) -> None:
    lines = [record.to_line() for record in random_records(count=3)]
    path = folder / "0.jsonl"
    path.write_bytes(lines[0] + lines[1][:100])
    report = ingest(database, [folder], ingest_context())
    assert (report.games, report.torn) == (1, 1)
    assert report.reasons() == ["1 files end in a line that is not complete; it is left for the next ingest"]
    assert ingest(database, [folder], ingest_context()).games == 0
    path.write_bytes(b"".join(lines))
    assert ingest(database, [folder], ingest_context()).lines == 2
    assert stored_lines(database) == sorted(lines)


def test_a_file_without_a_whole_line_waits(database: GamesDatabase, folder: Path) -> None:
    line = random_records(count=1)[0].to_line()
    for length in (0, 10, len(line) - 1):
        (folder / "0.jsonl").write_bytes(line[:length])
        assert ingest(database, [folder], ingest_context()).lines == 0
    (folder / "0.jsonl").write_bytes(line)
    assert ingest(database, [folder], ingest_context()).games == 1


def test_corrupt_lines_go_to_quarantine_once_and_the_others_come_in(database: GamesDatabase, folder: Path) -> None:
    good = [record.to_line() for record in random_records(count=3)]
    wrong = replace(random_records(count=4)[3], reason="boredom").to_line()
    write_lines(folder / "0.jsonl", [good[0], b"{nonsense\n", b"\n", good[1], wrong, b"\x00\xff\n", good[2]])
    report = ingest(database, [folder], ingest_context())
    assert (report.games, report.quarantined) == (3, {"no_record": 2, "wrong_result": 1})
    found = quarantined_lines(database, None, 10)
    path = str(folder / "0.jsonl")
    assert {(line.path, line.number, line.reason, line.raw) for line in found} == {
        (path, 2, "no_record", b"{nonsense\n"),
        (path, 5, "wrong_result", wrong),
        (path, 6, "no_record", b"\x00\xff\n"),
    }
    shutil.copy(folder / "0.jsonl", folder / "1.jsonl")
    (folder / "1.jsonl").write_bytes(good[0] + (folder / "0.jsonl").read_bytes())
    assert counts(ingest(database, [folder], ingest_context())) == (0, 4, 0)
    assert len(quarantined_lines(database, None, 10)) == 3


@pytest.mark.usefixtures("small_batches")
def test_the_whole_lines_of_a_truncated_gzip_are_taken_and_the_reason_noted(
    database: GamesDatabase, folder: Path
) -> None:
    records = random_records(count=12)
    lines = [record.to_line() for record in records]
    whole = gzip.compress(b"".join(lines))
    path = folder / "0.jsonl.gz"
    path.write_bytes(whole[: len(whole) * 2 // 3])
    report = ingest(database, [folder], ingest_context())
    assert 4 <= report.games < 12
    assert f"{path}: damaged or cut off after line {report.games}" in report.reasons()[-1]
    with database.reading() as connection:
        assert "cut off" in connection.execute(select(sources.c.note)).scalar_one()
    assert ingest(database, [folder], ingest_context()).unchanged == 1, "as long as it stays so"
    path.write_bytes(whole)
    report = ingest(database, [folder], ingest_context())
    assert (report.duplicates, report.notes) == (0, {})
    assert stored_lines(database) == sorted(lines)


def test_a_file_that_is_compressed_after_half_of_it_came_in_loses_and_doubles_nothing(
    database: GamesDatabase, folder: Path
) -> None:
    lines = [record.to_line() for record in random_records(count=10)]
    write_lines(folder / "0.jsonl", lines[:4])
    assert ingest(database, [folder], ingest_context()).games == 4
    (folder / "0.jsonl").unlink()
    write_lines(folder / "0.jsonl.gz", lines)
    report = ingest(database, [folder], ingest_context())
    assert (report.lines, report.games, report.duplicates) == (6, 6, 0), "it goes on where it stopped"
    assert ingest(database, [folder], ingest_context()).unchanged == 1
    with (folder / "0.jsonl.gz").open("ab") as file:  # another member
        file.write(gzip.compress(random_records(count=11)[10].to_line()))
    assert ingest(database, [folder], ingest_context()).lines == 1


def test_a_renamed_file_goes_on_and_its_successor_begins_anew(database: GamesDatabase, folder: Path) -> None:
    lines = [record.to_line() for record in random_records(count=10)]
    write_lines(folder / "current.jsonl", lines[:4])
    ingest(database, [folder], ingest_context())
    (folder / "current.jsonl").rename(folder / "old.jsonl")
    write_lines(folder / "current.jsonl", lines[4:])
    report = ingest(database, [folder], ingest_context())
    assert (report.lines, report.games) == (6, 6)


@pytest.mark.parametrize("keep_first_line", [True, False])
def test_a_file_that_was_replaced_is_read_from_its_beginning(
    database: GamesDatabase, folder: Path, keep_first_line: bool
) -> None:
    lines = [record.to_line() for record in random_records(count=10)]
    write_lines(folder / "0.jsonl", lines[:5])
    ingest(database, [folder], ingest_context())
    write_lines(folder / "0.jsonl", lines[:1] * keep_first_line + lines[5:])
    assert ingest(database, [folder], ingest_context()).games == 5
    write_lines(folder / "0.jsonl", lines[:2])  # shrunk
    assert counts(ingest(database, [folder], ingest_context())) == (0, 2, 0)
    assert stored_lines(database) == sorted(lines)


def test_the_clock_and_the_times_of_files_change_nothing(database: GamesDatabase, folder: Path) -> None:
    lines = [record.to_line() for record in random_records(count=6)]
    for name in ("0.jsonl", "1.jsonl.gz"):
        write_lines(folder / name, lines[:2] if name == "0.jsonl" else lines[3:5])
        os.utime(folder / name, (4e9, 4e9))
    assert ingest(database, [folder], ingest_context()).games == 4
    write_lines(folder / "0.jsonl", lines[:3])
    write_lines(folder / "1.jsonl.gz", lines[3:])
    for name in ("0.jsonl", "1.jsonl.gz"):
        os.utime(folder / name, (0, 0))
    assert counts(ingest(database, [folder], ingest_context())) == (2, 0, 0)
    for name in ("0.jsonl", "1.jsonl.gz"):
        os.utime(folder / name)
    assert ingest(database, [folder], ingest_context()).unchanged == 2


def test_a_line_that_is_too_long_is_not_held_in_memory(
    database: GamesDatabase, folder: Path, small_batches: None, tmp_path: Path
) -> None:
    path = tmp_path / "config" / "database.yaml"
    path.write_text(path.read_text().replace("longest_line_megabytes: 64", "longest_line_megabytes: 1"))
    lines = [record.to_line() for record in random_records(count=2)]
    write_lines(folder / "0.jsonl", [lines[0], b"x" * 3_000_000 + b"\n", lines[1]])
    report = ingest(database, [folder], ingest_context())
    assert (report.games, report.quarantined) == (2, {"too_long": 1})
    (kept,) = quarantined_lines(database, None, 2)
    assert len(kept.raw) == 1 << 20
    assert ingest(database, [folder], ingest_context()).unchanged == 1


def test_a_folder_that_is_not_there_is_one_line_and_one_without_files_says_so(
    database: GamesDatabase, folder: Path
) -> None:
    with pytest.raises(UnreadableSource, match="there is no such file or folder"):
        ingest(database, [folder / "nowhere"], ingest_context())
    (folder / ".hidden.jsonl").write_bytes(b"{}\n")
    assert ingest(database, [folder], ingest_context()).reasons() == [
        "nothing to do: there are no .jsonl or .jsonl.gz files"
    ]


@pytest.mark.usefixtures("small_batches")
def test_a_stopped_ingest_goes_on_later(database: GamesDatabase, folder: Path) -> None:
    lines = write(folder / "0.jsonl", random_records(count=20))
    stop = Event()
    stop.set()
    report = ingest(database, [folder], ingest_context(cancellation=stop))
    assert (report.games, report.complete) == (4, False)
    told: list[Any] = []
    assert ingest(database, [folder], ingest_context(progress=record(told))).games == 16
    assert told[-1] == ("reading", 1.0, 1, "16 new games")
    assert [done for _, done, _, _ in told] == sorted(done for _, done, _, _ in told)
    assert stored_lines(database) == sorted(lines)


# Other processes


def sound(path: Path) -> None:
    """The database is whole, and every game has its moves."""
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
    with GamesDatabase(str(path)) as database, database.reading() as open_connection:
        found = [open_connection.execute(select(func.count()).select_from(table)).scalar() for table in (games, moves)]
    assert found[0] == found[1]


@pytest.mark.usefixtures("small_batches")
def test_two_ingests_at_once_keep_every_game_once(tmp_path: Path, folder: Path) -> None:
    lines = write(folder / "0.jsonl", random_records(count=200))
    lines += write(folder / "1.jsonl.gz", random_records("hex8_3p", 50))
    path = tmp_path / "two.db"
    both = [start_ingest(str(path), folder) for _ in range(2)]
    for process in both:
        finish(process)
    sound(path)
    with GamesDatabase(str(path)) as database:
        assert stored_lines(database) == sorted(lines)
        assert ingest(database, [folder], ingest_context()).games == 0


@pytest.mark.usefixtures("small_batches")
def test_an_ingest_that_is_killed_again_and_again_loses_and_doubles_nothing(tmp_path: Path, folder: Path) -> None:
    lines = write(folder / "0.jsonl", random_records(count=200))
    lines += write(folder / "1.jsonl.gz", random_records("hex8_3p", 50))
    path = tmp_path / "killed.db"
    draw = random.Random(1)
    for _ in range(5):
        process = start_ingest(str(path), folder)
        time.sleep(draw.uniform(0.0, 0.4))
        process.kill()
        process.communicate()
        if path.exists():
            with sqlite3.connect(path) as connection:
                assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            connection.close()
    with GamesDatabase(str(path), create=True) as database:
        report = ingest(database, [folder], ingest_context())
        assert report.duplicates == 0, "what was read and what came in go together"
        assert stored_lines(database) == sorted(lines)
    sound(path)


@pytest.mark.usefixtures("small_batches")
def test_a_full_disk_is_one_line_and_leaves_a_sound_database(tmp_path: Path, folder: Path) -> None:
    lines = write(folder / "0.jsonl", random_records(count=200))
    path = tmp_path / "full.db"
    with GamesDatabase(str(path), create=True):
        pass

    done = ringrift_on_a_full_disk(150_000, "games", "ingest", folder, "--database", path)
    *progress, complaint = done.stderr.splitlines()
    assert done.returncode == 2
    assert complaint.startswith("error: "), done.stderr
    assert "make room and run it again" in complaint
    assert all(line.startswith("reading: ") for line in progress)
    sound(path)
    with GamesDatabase(str(path)) as database:
        before = len(stored_lines(database))
        assert before < 200
        report = ingest(database, [folder], ingest_context())
        assert counts(report) == (200 - before, 0, 0)
        assert stored_lines(database) == sorted(lines)
