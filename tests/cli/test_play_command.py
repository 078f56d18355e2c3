"""`ringrift play` as people use it: over a pipe, and at a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

import pytest

from ringrift.game import Game
from ringrift.game.records import read_records
from tests.cli.processes import RINGRIFT, complaint, ringrift


def play(*words: str | Path, typed: str = "") -> list[str]:
    """The lines of a session over a pipe that ends well."""
    done = ringrift("play", *words, typed=typed)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_session_is_played_by_numbers_and_by_keys(tmp_path: Path) -> None:
    record = tmp_path / "game.jsonl"
    typed = "5\n0,0\n2\nMS 0,0,0>2,0,-2\nquit\n"
    lines = play("hex8_2p", "--against", "random", "--seed", "3", "--record", record, typed=typed)
    assert lines[:2] == ["hex8_2p, seed 3", "player 1: person, player 2: random"]
    assert "player 1, ring placement> 5" in lines, "what is typed over a pipe is shown"
    assert "  1  PR 0,0,0 1   2  PR 0,0,0 2   3  PR 0,0,0 3" in lines
    assert any(line.startswith("player 2 (random): PR ") for line in lines)
    assert lines[-1] == "left at move 8"
    ((_, kept),) = read_records(record)
    assert kept["engines"] == ["person", "random"]
    game = Game.from_record(kept)
    assert [move["type"] for move in kept["moves"][:2]] == ["place_ring", "move_stack"]
    assert game.array["ply"] == 8


def test_the_same_seed_gives_the_same_replies_and_another_seed_others() -> None:
    typed = "PR 0,0,0 2\nMS 0,0,0>2,0,-2\n"
    first, again, other = (play("hex8_2p", "--level", "1", "--seed", seed, typed=typed) for seed in "334")
    assert first == again
    assert first[20:] != other[20:]


def test_what_is_typed_wrongly_is_explained_and_the_session_goes_on() -> None:
    typed = "nonsense\n99\n0\nshow\nsave\nundo\nload nowhere.jsonl\nsave /dev/null\nhint me\nhelp\n"
    lines = play("hex8_2p", "--against", "person", "--hint", "puct@4", typed=typed)
    for message in (
        "no legal action has 'nonsense'; type a number, part of an action, or help",
        "there is no number 99 in the list: it goes from 1 to 9",
        "there is no number 0 in the list: it goes from 1 to 9",
        "there is no number given in the list: it goes from 1 to 9",
        "save needs the name of a file, such as save game.jsonl",
        "there is no turn of yours to take back",
        "nowhere.jsonl: cannot be read (No such file or directory)",
        "/dev/null: cannot be written (it is not a plain file)",
    ):
        assert message in lines
    assert any(line.startswith("puct@4 would play PR ") for line in lines)
    assert any(line.startswith("  undo ") for line in lines)
    assert lines[-1] == "left at move 0"


def test_a_hint_begins_with_the_action_that_it_names() -> None:
    lines = play("hex8_2p", "--against", "person", "--hint", "puct@4", typed="hint\n")
    (first,) = (number for number, line in enumerate(lines) if " would play " in line)
    named = lines[first].partition(" would play ")[2].partition(";")[0]
    assert lines[first + 1].strip().startswith(named)


def test_rules_and_codes_are_explained_to_who_asks() -> None:
    lines = play("square8_2p", "--against", "person", typed="rules\nmoves\n")
    assert any(line.startswith("The goal: ") for line in lines)
    assert "  OC  capture: from*captured>to" in lines
    assert max(map(len, lines)) <= 120


def test_a_preview_shows_what_an_action_does_and_leaves_the_game_as_it_is() -> None:
    lines = play("hex8_2p", "--against", "person", typed="PR 0,0,0 2\nshow 1\nboard\n")
    assert "MS 0,0,0>-4,0,4: player 1: 1 markers more" in lines
    assert lines[-1] == "left at move 1"


def test_a_turn_is_taken_back_with_the_reply() -> None:
    lines = play("hex8_2p", "--level", "1", "--seed", "1", typed="PR 0,0,0 2\nMS 0,0,0>2,0,-2\nundo\n")
    assert "taken back: 8 actions" in lines
    assert lines[-1] == "left at move 0"
    start = lines.index("hex8_2p, move 0: player 1 in ring_placement")
    assert "hex8_2p, move 0: player 1 in ring_placement" in lines[start + 1 :]


def test_a_game_is_kept_and_gone_on_with(tmp_path: Path) -> None:
    kept, position = tmp_path / "game.jsonl.gz", tmp_path / "game.json"
    typed = f"PR 0,0,0 2\nMS 0,0,0>2,0,-2\nsave {kept}\nsave {position}\nundo\nload {kept}\n"
    lines = play("hex8_2p", "--seat", "1", "--level", "1", "--seed", "5", typed=typed)
    assert f"kept in {kept}" in lines
    resumed = play("--resume", kept, typed="undo\n")
    assert resumed[1] == "player 1: person, player 2: random", "the file knows who sat where"
    assert resumed[-1] == "left at move 0"
    other = play("hex8_2p", "--resume", position, "--seat", "2", "--against", "person", typed="undo\n")
    assert "there is no turn of yours to take back" in other, "a position has no past"
    assert rows(other)[:9] == rows(lines[: lines.index(f"kept in {position}")])[-9:], "the same board"


def rows(lines: list[str]) -> list[str]:
    """The rows of the boards in a session, without the brackets around what has changed."""
    return ["".join(character for character in line if character not in " []") for line in lines if line[:2] == "y "]


def test_a_person_resigns() -> None:
    lines = play("hex8_3p", "--seat", "2", "--against", "random", "--against", "puct@4", typed="resign\n")
    assert lines[1] == "player 1: random, player 2: person, player 3: puct@4"
    assert lines[-1] == "player 2 (person) has resigned"
    lines = play("hex8_2p", "--against", "person", typed="PR 0,0,0 2\nresign\n")
    assert lines[-1] == "player 1 (person) has resigned; player 2 (person) has won"


def test_a_whole_game_is_played_by_typing_the_first_number() -> None:
    lines = play("hex8_2p", "--against", "random", "--seed", "2", typed="1\n" * 600)
    assert sorted(lines[-2:]) == ["1. player 2 (random)", "2. player 1 (person)"] or sorted(lines[-2:]) == [
        "1. player 1 (person)",
        "2. player 2 (random)",
    ]
    assert "has won: " in lines[-3]


def test_agents_are_watched_turn_by_turn() -> None:
    lines = play("hex8_2p", "--watch", "--against", "random", "--against", "puct@4", "--seed", "1")
    assert lines[1] == "player 1: random, player 2: puct@4"
    turns = [line for line in lines if line.startswith(("player 1 (random): ", "player 2 (puct@4): "))]
    boards = [line for line in lines if line.startswith("hex8_2p, move ")]
    assert len(turns) > 20
    assert 0 <= len(turns) - len(boards) <= 1, "the last board tells who has won"
    assert {lines[-1][0], lines[-2][0]} == {"1", "2"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "which game? Name a config such as square8_2p, or a file with --resume"),
        (("hex8",), "unknown config 'hex8'"),
        (("hex8_2p", "--seat", "3"), "hex8_2p has 2 seats; there is no seat 3"),
        (("hex8_2p", "--against", "dice"), "player 'dice': unknown mode 'dice'"),
        (("hex8_2p", "--against", "random", "--level", "2"), "say --against or --level, not both"),
        (("hex8_4p", "--against", "random", "--against", "random"), "--against names 2 players, and 3 seats are free"),
        (("--resume", "nowhere.jsonl"), "nowhere.jsonl: cannot be read"),
    ],
)
def test_wrong_words_are_explained_in_one_line(words: tuple[str, ...], message: str) -> None:
    assert message in complaint("play", *words)


def test_a_file_of_another_config_is_refused(tmp_path: Path) -> None:
    play("hex8_2p", "--against", "person", "--record", tmp_path / "game.jsonl")
    assert "holds a game of hex8_2p, not of hex8_3p" in complaint(
        "play", "hex8_3p", "--resume", tmp_path / "game.jsonl"
    )


def test_at_a_terminal_lines_are_asked_for_and_ctrl_d_leaves() -> None:
    master, slave = pty.openpty()
    words = [RINGRIFT, "play", "hex8_2p", "--against", "puct@64", "--seed", "1"]
    with subprocess.Popen(words, stdin=slave, stdout=slave, stderr=slave, start_new_session=True) as running:
        os.close(slave)
        shown = b""
        for typed in (b"0,0\n", b"2\n", b"MS 0,0,0>2,0,-2\n", b"\x04"):
            before = len(shown)
            while not shown[before:].endswith(b"> "):
                shown += os.read(master, 4096)
            os.write(master, typed)
        try:
            while rest := os.read(master, 4096):
                shown += rest
        except OSError:  # how Linux says that the other side has closed the terminal
            pass
        os.close(master)
    text = shown.decode().replace("\r\n", "\n")
    assert running.returncode == 0
    assert "player 1, movement> MS 0,0,0>2,0,-2\n" in text
    assert "player 2 (puct@64) is thinking" in text
    assert "person) is thinking" not in text
    assert text.endswith("left at move 8\n")
