"""`ringrift match` as people run it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from pathlib import Path

import pytest

from ringrift.game import Game
from ringrift.game.records import read_records
from tests.cli.processes import RINGRIFT, complaint, ringrift


def test_a_match_is_told_in_tables_and_its_games_are_kept(tmp_path: Path) -> None:
    records = tmp_path / "games.jsonl.gz"
    done = ringrift("match", "hex8_2p", "random", "puct@4", "--games", "7", "--by-seat", "--records", records)
    assert done.returncode == 0, done.stderr
    assert "hex8_2p: 8 games, 4 openings of 8 plies × 2 seat orders, seed 0" in done.stdout
    assert "A random" in done.stdout
    assert done.stdout.count("B puct@4") == 3, "in both tables, there once a seat"
    assert "sign test over pairs of games" in done.stdout
    assert f"8 games written to {records}" in done.stderr
    games = [Game.from_record(record) for _, record in read_records(records)]
    assert len(games) == 8
    assert [record["engines"] for _, record in read_records(records)] == [
        ["random", "puct@4"],
        ["puct@4", "random"],
    ] * 4


def test_the_config_may_be_an_option_and_the_report_json() -> None:
    options = ("--openings", "1", "--opening-plies", "20", "--seed", "3", "--json")
    first = ringrift("match", "hex8_3p", "random", "random", *options)
    second = ringrift("match", "random", "random", "--config", "hex8_3p", *options, "--batch", "2")
    reports = [json.loads(done.stdout) for done in (first, second)]
    for report in reports:
        for player in report["players"]:
            assert player.pop("milliseconds") >= 0
    assert reports[0] == reports[1]
    assert reports[0]["games"] == 6
    assert reports[0]["complete"] is True
    assert reports[0]["plan"]["opening_plies"] == 20


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("random", "random"), "unknown config 'random'"),
        (("random", "random"), "the config comes first, then the players, or say --config CONFIG"),
        (("hex8_2p", "random", "dice"), "player 'dice': unknown mode 'dice'"),
        (("hex8_2p", "random"), "a match with 2 seats needs 2 players, not 1"),
        (("hex8_2p", "random", "random", "random"), "a match with 2 seats needs 2 players, not 3"),
        (("hex8_4p", "random"), "a match with 4 seats needs 2 to 4 players, not 1"),
        (("random", "random", "--config", "hex8_5p"), "unknown config 'hex8_5p'"),
        (("hex8_2p", "random", "random", "--max-moves", "8"), "leaves nothing to play"),
        (("hex8_2p", "random", "gumbel:nowhere.pth"), "nowhere.pth"),
    ],
)
def test_wrong_words_are_explained_in_one_line(words: tuple[str, ...], message: str) -> None:
    assert message in complaint("match", *words)


def test_a_match_that_is_broken_off_tells_what_is_known(tmp_path: Path) -> None:
    records = tmp_path / "games.jsonl"
    words = [RINGRIFT, "match", "hex8_2p", "random", "puct@16", "--games", "1000000", "--json", "--records", records]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        line = running.stderr.readline()
        assert re.match(r"games: [\d,]+ of 1,000,000, [\d.]+/s, about .* left, won \d+ : \d+$", line), "nobody looks"
        running.send_signal(signal.SIGINT)
        report, errors = running.communicate(timeout=60)
    assert running.returncode == 130, errors
    parsed = json.loads(report)
    assert parsed["complete"] is False
    assert 0 < parsed["games"] < 1_000_000
    assert "have ended, and long ones end last" in parsed["warnings"][0]
    assert len(list(read_records(records))) == parsed["games"]


def test_help_shows_examples() -> None:
    assert "ringrift match square8_2p minimax@4 heuristic --games 200" in ringrift("match", "--help").stdout
