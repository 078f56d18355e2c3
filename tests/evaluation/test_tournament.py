"""Tournaments: a cross-table, Elo, and other games every time."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import pytest
from rich.console import Console

from ringrift.cli.render import rendered
from ringrift.evaluation.elo import fit_elo
from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.participants import participant
from ringrift.evaluation.plots import plot_elo
from ringrift.evaluation.schedule import BadMatch
from ringrift.evaluation.store import rated_games, stored_evaluations
from ringrift.evaluation.tournament import Pairing, TournamentReport, round_robin
from tests.evaluation.planted import won

pytestmark = pytest.mark.slow

CONFIG = "square8_2p"
PLAYERS = [participant(spec, CONFIG) for spec in ("random", "minimax@2?weights=v1", "heuristic:v1?temperature=4")]


def test_everybody_plays_everybody(runner: MatchRunner, tmp_path: Path) -> None:
    report = round_robin(CONFIG, PLAYERS, 8, runner)
    assert report.players[0] == "minimax@2?weights=v1"
    assert [(one.games, one.distinct) for one in report.pairings] == [(8, 8)] * 3
    assert report.score("minimax@2?weights=v1", "random") == 1 - report.score("random", "minimax@2?weights=v1") > 0.5
    assert report.ratings is not None
    assert [rating.player for rating in report.ratings.players] == list(report.players)
    (stored,) = stored_evaluations(runner.database, CONFIG)
    assert stored.report == json.loads(json.dumps(report.to_json()))
    console = Console(width=150)
    with console.capture() as capture:
        console.print(rendered(report))
    assert "tournament 0 of 3 players, 24 games" in capture.get()
    plot_elo(report.ratings, "Elo", tmp_path / "elo.png")
    assert (tmp_path / "elo.png").read_bytes().startswith(b"\x89PNG")


def test_nine_players_are_told_apart_on_a_narrow_terminal() -> None:
    """Their names stand once, whole; what they scored against each other is found by their numbers."""
    names = [f"gumbel:{number:016x}@32" for number in range(9)]
    pairings = [Pairing(*pair, 100, 100, 1.0, 0.96, 1.0) for pair in combinations(names, 2)]
    ratings = fit_elo([game for name in names for game in won(name, "random", 9, of=10)])
    console = Console(width=80)
    with console.capture() as capture:
        console.print(rendered(TournamentReport(CONFIG, 0, tuple(names), tuple(pairings), ratings, ())))
    told = capture.get()
    assert all(told.count(name) == 1 for name in names)
    assert "…" not in told.replace(" … ", ""), "nothing is cut"
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in told.splitlines() if line.startswith("│")]
    assert [row[:2] for row in rows[:9]] == [[f"{place}", name] for place, name in enumerate(names, 1)]
    assert rows[9 + 2] == ["3", "0%", "0%", "–", *["100%"] * 6]


def test_the_next_tournament_has_other_games(runner: MatchRunner) -> None:
    first, second = (round_robin(CONFIG, PLAYERS[:2], 4, runner) for _ in range(2))
    assert (first.number, second.number) == (0, 1)
    games = rated_games(runner.database, CONFIG)
    assert len({game.actions_hash for game in games}) == len(games) == 8


def test_without_random_there_is_a_cross_table_but_no_elo(runner: MatchRunner) -> None:
    report = round_robin(CONFIG, PLAYERS[1:], 2, runner)
    assert report.ratings is None
    assert report.notes == ("no Elo: there are no games of random, whose Elo is 0: let it play, too",)


def test_three_players_on_three_seats_meet_in_pairs(runner: MatchRunner) -> None:
    report = round_robin("hex8_3p", [participant(spec, "hex8_3p") for spec in ("random", "heuristic:v1")], 5, runner)
    assert report.pairings[0].games == 6, "one opening in all six seatings of two"
    assert report.score("heuristic:v1", "random") > 0.5


@pytest.mark.parametrize("players", [PLAYERS[:1], [PLAYERS[0], PLAYERS[0]], []])
def test_a_tournament_needs_two_different_players(runner: MatchRunner, players: list[object]) -> None:
    with pytest.raises(BadMatch, match="needs two players or more, each once"):
        round_robin(CONFIG, players, 2, runner)
