"""`ringrift game …` as people run it: a process, its output and its exit code."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from ringrift.game import Game, get_board, new_states
from ringrift.game.playout import perft
from ringrift.game.records import read_records, write_records
from ringrift.version import code_version

TRACE = Path(__file__).parent.parent / "traces" / "hex8_2p.jsonl.gz"
RINGRIFT = Path(sys.executable).parent / "ringrift"


def ringrift(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([RINGRIFT, *map(str, words)], capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def records() -> list[dict[str, Any]]:
    return [record for _, record in islice(read_records(TRACE), 3)]


@pytest.fixture
def games(records: list[dict[str, Any]], tmp_path: Path) -> Path:
    path = tmp_path / "games.jsonl"
    write_records(path, records)
    return path


def test_new_shows_the_board_and_the_first_actions() -> None:
    done = ringrift("game", "new", "hex8", "--players", "3")
    assert done.returncode == 0
    assert "player 3 (C): 18 in hand" in done.stdout
    assert "183 legal actions: PR -4,0,4 1" in done.stdout


def test_the_same_seed_plays_the_same_game() -> None:
    first, second, other = (ringrift("game", "random", "square8_2p", "--seed", seed, "--json") for seed in "778")
    assert first.stdout == second.stdout != other.stdout
    record = json.loads(first.stdout)
    assert Game.from_record(record).record(seed=7, code=code_version()) == record


def test_random_games_are_written_verified_and_shown(tmp_path: Path) -> None:
    path = tmp_path / "games.jsonl.gz"
    done = ringrift("game", "random", "hex8_3p", "--games", "5", "--out", path)
    assert done.returncode == 0
    assert "5 games of hex8_3p written to" in done.stdout
    assert len(list(read_records(path))) == 5
    verified = ringrift("game", "verify", path)
    assert (verified.returncode, "exact: 5 games" in verified.stdout) == (0, True)
    shown = ringrift("game", "show", path, "--game", "2", "--move", "6")
    assert "move 6: player" in shown.stdout
    replayed = ringrift("game", "replay", path, "--game", "5")
    assert replayed.stdout.splitlines()[0].split()[:3] == ["0", "player", "1"]
    assert "has won" in replayed.stdout.splitlines()[-1]


def test_perft_prints_json() -> None:
    done = ringrift("game", "perft", "square8", "--depth", "2", "--json")
    board = get_board("square8")
    start = new_states(board, 2)[0]
    assert [row["leaves"] for row in json.loads(done.stdout)["perft"]] == [
        perft(board, start, 1),
        perft(board, start, 2),
    ]


def test_verify_draws_the_first_divergence_and_exits_1(records: list[dict[str, Any]], tmp_path: Path) -> None:
    records[1]["plies"][4]["legal"] = ["FE 0,0,0"]
    path = tmp_path / "wrong.jsonl"
    write_records(path, records)
    done = ringrift("game", "verify", path, TRACE)
    assert done.returncode == 1
    assert f"{path}:2: move 4: legal actions differ" in done.stderr
    assert "player 1 (A):" in done.stderr
    assert "exact: 187 games" in done.stdout, "the other file is still checked"


BROKEN = {
    "not JSON": (b'{"config"\n', ":1: not JSON"),
    "not an object": (b"[1, 2]\n", ":1: a record must be an object, not list"),
    "cut off": (b'{"config": "hex8_2p", "moves": [', "the file may be cut off"),
    "no moves": (b'{"config": "hex8_2p"}\n', ":1: a record needs a list of `moves`"),
    "wrong types": (b'{"config": "hex8_2p", "moves": [1]}\n', ":1: move 0: a move must be an object, not int"),
    "no records": (b"\n", "there are no records in it"),
    "plies that are none": (b'{"config": "hex8_2p", "plies": [5]}\n', ":1: `plies` must be a list of objects"),
    "unknown config": (b'{"config": "hex9_2p", "moves": []}\n', ":1: unknown config 'hex9_2p'"),
    "nested without end": (b"[" * 100_000 + b"\n", ":1: not JSON"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_bad_input_is_one_line_and_exit_code_2(case: str, tmp_path: Path) -> None:
    content, message = BROKEN[case]
    path = tmp_path / "broken.jsonl"
    path.write_bytes(content)
    done = ringrift("game", "verify", path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_illegal_move_in_a_record_is_a_divergence(records: list[dict[str, Any]], tmp_path: Path) -> None:
    record = {"config": "hex8_2p", "moves": [{"type": "no_line_action", "player": 1}]}
    path = tmp_path / "illegal.jsonl"
    write_records(path, [record])
    done = ringrift("game", "verify", path)
    assert done.returncode == 1
    assert ":1: move 0: move no_line_action is not legal for player 1 in phase ring_placement" in done.stderr
    assert ringrift("game", "replay", path).returncode == 2


def test_a_truncated_gzip_file_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(TRACE.read_bytes()[:200_000])
    done = ringrift("game", "verify", path)
    assert done.returncode == 2
    assert "damaged or cut off" in done.stderr
    path.write_bytes(b"this is no gzip file")
    assert "damaged or cut off" in ringrift("game", "verify", path).stderr
    with gzip.open(path, "wb") as file:
        file.write(b"{}\n")
    assert "a record needs a `config`" in ringrift("game", "verify", path).stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("game", "new", "square9"), "unknown board 'square9': choose one of square8, square19, hex8, hexagonal"),
        (("game", "new", "hex8_5p"), "unknown config 'hex8_5p'"),
        (("game", "new", "hex8", "--players", "7"), "2, 3 or 4 players, not 7"),
        (("game", "new", "hex8_3p", "--players", "2"), "hex8_3p is for 3 players, and --players says 2"),
        (("game", "show", "nowhere.jsonl"), "nowhere.jsonl: cannot be read (No such file or directory)"),
    ],
)
def test_wrong_words_are_explained(words: tuple[str, ...], message: str) -> None:
    done = ringrift(*words)
    assert (done.returncode, message in done.stderr) == (2, True)


@pytest.mark.parametrize("out", ["file/x.jsonl", "folder", ".", "x" * 300 + ".jsonl"])
def test_an_output_that_cannot_be_written_is_one_line(out: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    done = ringrift("game", "random", "hex8", "--max-moves", "4", "--out", tmp_path / out)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "cannot be written" in done.stderr
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "folder"]


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("RINGRIFT_CACHE_DIR", str(tmp_path / "file"))
    done = ringrift("game", "new", "hex8")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "set RINGRIFT_CACHE_DIR to another folder" in done.stderr


def test_a_game_that_is_not_there_is_explained(games: Path) -> None:
    done = ringrift("game", "show", games, "--game", "9")
    assert (done.returncode, "there is no game 9, the file holds 3" in done.stderr) == (2, True)
    done = ringrift("game", "show", games, "--move", "9999")
    assert (done.returncode, "moves, not 9999" in done.stderr) == (2, True)


def test_help_does_not_wait_for_the_rules() -> None:
    script = "import sys; from ringrift.cli import app; sys.exit('numba' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
    assert "verify" in ringrift("game", "--help").stdout
