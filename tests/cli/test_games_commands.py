"""`ringrift games …` as people run it."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ringrift.game import Game
from ringrift.game_database import GamesDatabase, ingest
from ringrift.selfplay.record import FORMAT
from tests.cli.processes import RINGRIFT, complaint, ringrift
from tests.contexts import ingest_context
from tests.game_database.records import random_records, write, write_lines
from tests.processes import wait_for


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database and the files that it came from."""
    folder = tmp_path_factory.mktemp("games")
    write(folder / "selfplay" / "0.jsonl", random_records(count=8, searched=1))
    write(folder / "selfplay" / "1.jsonl", random_records("hex8_3p", 3))
    write_lines(folder / "selfplay" / "2.jsonl", [b"{nonsense\n"])
    return folder


@pytest.fixture(scope="module")
def path(place: Path) -> Iterator[str]:
    with GamesDatabase(str(place / "games.db"), create=True) as database:
        ingest(database, [place / "selfplay"], ingest_context())
    yield str(place / "games.db")


def test_ingest_tells_what_came_in_and_why_nothing_did(place: Path, tmp_path: Path) -> None:
    words = ("games", "ingest", place / "selfplay", "--database", tmp_path / "new" / "games.db")
    first = ringrift(*words)
    assert first.returncode == 0, first.stderr
    assert "11 new games of 12 new lines in 3 files" in first.stdout
    assert "in quarantine: no_record" in first.stdout
    assert "nothing to do: 3 files have no new lines since the last ingest" in ringrift(*words).stdout
    report = json.loads(ringrift(*words, "--json").stdout)
    assert (report["games"], report["unchanged"], report["complete"]) == (0, 3, True)


def test_without_a_folder_the_games_of_self_play_are_taken_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "data" / "selfplay" / "0.jsonl", random_records(count=2))
    monkeypatch.chdir(tmp_path)
    assert "2 new games of 2 new lines" in ringrift("games", "ingest").stdout


def test_statistics_are_tables_json_and_pictures(path: str, tmp_path: Path) -> None:
    done = ringrift("games", "stats", "--database", path, "--plots", tmp_path / "plots")
    assert done.returncode == 0, done.stderr
    for title in ("How games end", "Wins by seat", "Moves a game", "Who plays"):
        assert title in done.stdout
    assert len(list((tmp_path / "plots").glob("*.png"))) == 4
    assert done.stderr.count("written: ") == 4
    found = json.loads(ringrift("games", "stats", "-d", path, "-c", "hex8_3p", "--json").stdout)
    assert [(config["config"], config["games"]) for config in found["configs"]] == [("hex8_3p", 3)]


def test_the_database_may_be_named_by_the_environment(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGRIFT_DATABASE", path)
    counts = json.loads(ringrift("games", "holdout", "--json").stdout)
    assert counts["share"] == 0.05
    assert sum(counts["configs"]["square8_2p"].values()) == 8


def test_games_are_listed_shown_and_exported(path: str, place: Path, tmp_path: Path) -> None:
    rows = json.loads(ringrift("games", "list", "-d", path, "--json", "--limit", "4").stdout)
    assert [row["id"] for row in rows] == [11, 10, 9, 8]
    shown = ringrift("games", "show", rows[0]["identity"][:8], "-d", path)
    assert "hex8_3p" in shown.stdout
    assert "y  -4" in shown.stdout, "the board is drawn"
    record = json.loads(ringrift("games", "show", "1", "-d", path, "--json").stdout)["record"]
    assert record["format"] == FORMAT
    exported = ringrift("games", "export", "-d", path, "--config", "square8_2p").stdout
    assert sorted(exported.splitlines()) == sorted((place / "selfplay" / "0.jsonl").read_text().splitlines())
    out = tmp_path / "moves.jsonl"
    done = ringrift("games", "export", "-d", path, "--moves", "--limit", "2", "--out", out)
    assert done.stderr == f"2 games written to {out}\n"
    assert all(Game.from_record(json.loads(line)).is_over for line in out.read_text().splitlines())


def test_quarantine_is_listed(path: str) -> None:
    assert "not JSON" in ringrift("games", "quarantine", "-d", path).stdout
    assert ringrift("games", "quarantine", "-d", path, "--raw").stdout == "{nonsense\n"
    (line,) = json.loads(ringrift("games", "quarantine", "-d", path, "--reason", "no_record", "--json").stdout)
    assert (line["number"], line["raw"]) == (1, "{nonsense\n")
    assert "nothing is in quarantine" in ringrift("games", "quarantine", "-d", path, "--reason", "unfinished").stdout


def test_check_exits_with_1_until_the_damage_is_mended_and_merge_adds_games(path: str, tmp_path: Path) -> None:
    merged = str(tmp_path / "merged.db")
    done = ringrift("games", "merge", path, "-d", merged)
    assert f"{path}: 11 new games of 11 into sqlite:///{merged}" in " ".join(done.stdout.split())
    assert "in quarantine: no_record: 1" in done.stdout
    with sqlite3.connect(merged) as connection:
        connection.execute("UPDATE games SET plies = 3 WHERE id = 4")
    connection.close()
    found = ringrift("games", "check", "-d", merged)
    assert found.returncode == 1
    assert "plies is 3, should be" in found.stdout
    assert "--repair" in found.stdout
    repaired = ringrift("games", "check", "-d", merged, "--repair", "--json")
    assert (repaired.returncode, json.loads(repaired.stdout)["left"]) == (0, 0)
    assert "11 games replayed, all sound" in ringrift("games", "check", "-d", merged).stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("stats",), "there is no games database; `ringrift games ingest` makes one"),
        (("ingest", "nowhere"), "nowhere: there is no such file or folder"),
    ],
)
def test_what_is_not_there_is_one_line(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    assert message in complaint("games", *words, "--database", tmp_path / "none.db")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("stats", "--config", "hex9_2p"), "unknown config 'hex9_2p'"),
        (("show", "zz"), "'zz' is no game"),
        (("quarantine", "--reason", "bad"), "no line is in quarantine for 'bad'; reasons are"),
    ],
)
def test_wrong_words_are_one_line(path: str, words: tuple[str, ...], message: str) -> None:
    assert message in complaint("games", *words, "--database", path)


def has_games(path: Path) -> bool:
    """Whether a database has a game already, though it may be about to be made."""
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT 1 FROM games LIMIT 1").fetchone() is not None
    except sqlite3.OperationalError:
        return False


def test_ctrl_c_stops_after_the_batch_at_hand_and_the_next_ingest_goes_on(tmp_path: Path) -> None:
    lines = write(tmp_path / "games.jsonl", random_records(count=1200))
    words = [RINGRIFT, "games", "ingest", tmp_path / "games.jsonl", "--database", tmp_path / "games.db", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        wait_for(lambda: running.poll() is not None or has_games(tmp_path / "games.db"))
        running.send_signal(signal.SIGINT)
        output, errors = running.communicate(timeout=60)
    report = json.loads(output)
    assert running.returncode == (0 if report["complete"] else 130), errors
    with GamesDatabase(str(tmp_path / "games.db")) as database:
        assert report["games"] + ingest(database, [tmp_path / "games.jsonl"], ingest_context()).games == len(lines)


def test_help_shows_examples() -> None:
    assert "Example: ringrift games ingest" in ringrift("games", "ingest", "--help").stdout
