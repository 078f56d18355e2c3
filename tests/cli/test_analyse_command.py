"""`ringrift analyse` as people run it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.processes import complaint, ringrift


@pytest.fixture(scope="module")
def games(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("games") / "games.jsonl"
    assert ringrift("game", "random", "hex8_3p", "--games", "2", "--out", path).returncode == 0
    return path


def test_a_game_is_analysed_move_by_move(games: Path) -> None:
    done = ringrift("analyse", games, "--game", "2", "--plies", "0-30", "--agent", "puct@8", "--top", "2")
    assert done.returncode == 0, done.stderr
    assert f"hex8_3p, game 2 of {games}, seen by puct@8; forced moves are left out" in done.stdout
    assert "│    0 │      1 │ +0.00 +0.00 +0.00 │ PR " in done.stdout
    assert "NL" not in done.stdout
    assert "player 1: 0.000 lost per choice, of " in done.stdout


def test_an_analysis_is_json_with_every_move(games: Path) -> None:
    done = ringrift("analyse", games, "--plies", "40-", "--agent", "puct@64", "--json")
    report = json.loads(done.stdout)
    assert (report["config"], report["game"], report["agent"]) == ("hex8_3p", 1, "puct@64")
    assert [row["ply"] for row in report["plies"]] == sorted(row["ply"] for row in report["plies"])
    assert report["plies"][0]["ply"] == 40
    choices = [row for row in report["plies"] if row["legal"] > 1]
    for row in choices:
        candidates = row["assessment"]["candidates"]
        assert row["key"] in [candidate["key"] for candidate in candidates]
        assert len(candidates) in (2, 3, 4)
        assert len(row["assessment"]["values"]) == 3
    assert max(row["lost"] for row in choices) > 0, "near the end the search sees who wins"


def test_the_features_of_a_position_are_shown_with_their_weights(games: Path) -> None:
    words = ("--plies", "60-64", "--agent", "random", "--features")
    done = ringrift("analyse", games, *words)
    assert done.returncode == 0, done.stderr
    assert "feature × weight" in done.stdout
    assert "│ sum " in done.stdout
    report = json.loads(ringrift("analyse", games, *words, "--json").stdout)
    choices = [row for row in report["plies"] if row["legal"] > 1]
    assert choices
    assert all(len(row["terms"]["markers"]) == 3 for row in choices)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--game", "3"), "there is no game 3, the file holds 2"),
        (("--plies", "ten"), "--plies must be 10-20, 10-, -20 or 10, not 'ten'"),
        (("--agent", "dice"), "unknown mode 'dice'"),
    ],
)
def test_wrong_words_are_explained_in_one_line(games: Path, words: tuple[str, ...], message: str) -> None:
    assert message in complaint("analyse", games, *words)


def test_a_record_without_moves_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "game.jsonl"
    path.write_text('{"config": "hex8_2p", "moves": []}\n')
    assert "there are no moves in game 1" in complaint("analyse", path)
