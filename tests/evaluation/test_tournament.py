"""Tournaments: a cross-table, Elo, and other games every time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from ringrift.evaluation.contenders import contender
from ringrift.evaluation.plots import plot_elo
from ringrift.evaluation.recorded import Hall
from ringrift.evaluation.schedule import BadMatch
from ringrift.evaluation.store import rated_games, stored_evaluations
from ringrift.evaluation.tournament import round_robin

CONFIG = "square8_2p"
PLAYERS = [contender(spec) for spec in ("random", "minimax@2", "heuristic?temperature=4")]


def test_everybody_plays_everybody(hall: Hall, tmp_path: Path) -> None:
    report = round_robin(CONFIG, PLAYERS, 8, hall)
    assert report.players[0] == "minimax@2"
    assert [(one.games, one.distinct) for one in report.pairings] == [(8, 8)] * 3
    assert report.score("minimax@2", "random") == 1 - report.score("random", "minimax@2") > 0.5
    assert report.ratings is not None
    assert [rating.player for rating in report.ratings.players] == list(report.players)
    (stored,) = stored_evaluations(hall.database, CONFIG)
    assert stored.report == json.loads(json.dumps(report.to_json()))
    console = Console(width=150)
    with console.capture() as capture:
        console.print(report)
    assert "tournament 0 of 3 players, 24 games" in capture.get()
    plot_elo(report.ratings, "Elo", tmp_path / "elo.png")
    assert (tmp_path / "elo.png").read_bytes().startswith(b"\x89PNG")


def test_the_next_tournament_has_other_games(hall: Hall) -> None:
    first, second = (round_robin(CONFIG, PLAYERS[:2], 4, hall) for _ in range(2))
    assert (first.number, second.number) == (0, 1)
    games = rated_games(hall.database, CONFIG)
    assert len({game.actions_hash for game in games}) == len(games) == 8


def test_without_random_there_is_a_cross_table_but_no_elo(hall: Hall) -> None:
    report = round_robin(CONFIG, PLAYERS[1:], 2, hall)
    assert report.ratings is None
    assert report.notes == ("no Elo: there are no games of random, whose Elo is 0: let it play, too",)


def test_three_players_on_three_seats_meet_in_pairs(hall: Hall) -> None:
    report = round_robin("hex8_3p", [contender("random"), contender("heuristic")], 5, hall)
    assert report.pairings[0].games == 6, "one opening in all six seatings of two"
    assert report.score("heuristic", "random") > 0.5


@pytest.mark.parametrize("players", [PLAYERS[:1], [PLAYERS[0], PLAYERS[0]], []])
def test_a_tournament_needs_two_different_players(hall: Hall, players: list[object]) -> None:
    with pytest.raises(BadMatch, match="needs two players or more, each once"):
        round_robin(CONFIG, players, 2, hall)  # type: ignore[arg-type]
