"""What a report makes of games."""

from __future__ import annotations

import json

import numpy as np
import pytest
from rich.console import Console

from ringrift.cli.render import rendered
from ringrift.cli.render.evaluation import seat_table
from ringrift.evaluation import MatchPlan, PlayedGame, ScheduledGame, report_match, seatings
from ringrift.statistics import sign_test, wilson_interval

TWO = MatchPlan("square8_2p", ("one", "two[/]"), openings=3, opening_plies=8, max_moves=500)


def game(
    number: int, seating: tuple[int, ...], winner: int | None, *, opening: int = 0, actions: int = 0
) -> PlayedGame:
    """A game that seat `winner` has won; the others come next in the order of their seats."""
    seats = len(seating)
    order = sorted(range(seats), key=lambda seat: (seat + 1 != winner, seat))
    values = [0.0] * seats
    if winner is not None:
        for place, seat in enumerate(order):
            values[seat] = 1 - 2 * place / (seats - 1)
    reason = None if winner is None else "territory"
    return PlayedGame(
        number=number,
        scheduled=ScheduledGame(number, opening, seating),
        actions=np.array([actions or number], np.int32),
        plies=100,
        winner=winner,
        reason=reason,
        ranks=None if winner is None else tuple(order.index(seat) + 1 for seat in range(seats)),
        outcome_values=tuple(values),
    )


def test_wins_belong_to_whoever_sat_in_the_winning_seat() -> None:
    games = [game(0, (0, 1), 1), game(1, (1, 0), 2), game(2, (0, 1), 2, opening=1), game(3, (1, 0), None, opening=1)]
    report = report_match(TWO, games)
    one, two = report.players
    assert (one.won, two.won, one.share, one.points, two.points) == (2, 1, 0.5, 0.25, -0.25)
    assert [(seat.seat, seat.games, seat.won) for seat in one.seats] == [(1, 2, 1), (2, 2, 1)]
    assert report.endings == {"territory": 3, "stopped": 1}


def test_players_are_compared_over_the_pairs_of_games_of_an_opening() -> None:
    games = [
        *(game(0, (0, 1), 1), game(1, (1, 0), 2)),  # won twice by the first player
        *(game(2, (0, 1), 1, opening=1), game(3, (1, 0), 1, opening=1)),  # once by each
        game(4, (0, 1), 2, opening=2),  # the other game of the pair is missing
    ]
    (comparison,) = report_match(TWO, games).comparisons
    assert (comparison.better, comparison.worse, comparison.even) == (1, 0, 1)
    assert (comparison.p_stronger, comparison.p_different) == (0.5, 1.0)


def test_of_three_players_two_exchange_seats_and_the_third_stays() -> None:
    plan = MatchPlan("square8_3p", ("one", "two", "three"), openings=1, opening_plies=8, max_moves=500)
    games = [game(number, seating, seating.index(0) + 1) for number, seating in enumerate(seatings(3, 3))]
    report = report_match(plan, games)
    assert [player.won for player in report.players] == [6, 0, 0]
    assert [(c.first, c.second, c.better, c.worse, c.even) for c in report.comparisons] == [
        ("A", "B", 3, 0, 0),
        ("A", "C", 3, 0, 0),
        ("B", "C", 0, 0, 3),
    ]


@pytest.mark.parametrize(
    ("games", "warning"),
    [
        ([game(0, (0, 1), 1)], "only 1 of 6 games have ended"),
        (
            [game(i, (i % 2, 1 - i % 2), 1, opening=i // 2, actions=7) for i in range(6)],
            "only 1 of 6 games are different",
        ),
        (
            [game(i, (i % 2, 1 - i % 2), None, opening=i // 2) for i in range(6)],
            "6 of 6 games were stopped after 500 moves",
        ),
    ],
)
def test_what_weakens_a_result_is_said(games: list[PlayedGame], warning: str) -> None:
    (found,) = report_match(TWO, games).warnings()
    assert found.startswith(warning)


def test_a_report_prints_as_tables_and_is_json() -> None:
    report = report_match(TWO, [game(i, (i % 2, 1 - i % 2), 1 + i % 2, opening=i // 2) for i in range(6)])
    assert report.warnings() == []
    console = Console(width=150)
    with console.capture() as capture:
        console.print(rendered(report))
        console.print(seat_table(report))
    text = capture.get()
    assert "square8_2p: 6 games, 3 openings of 8 plies × 2 seat orders, seed 0" in text
    assert "two[/]" in text, "a spec is no mark-up"
    assert "100.0%" in text
    parsed = json.loads(json.dumps(report.to_json()))
    assert parsed["complete"] is True
    assert parsed["plan"]["players"] == ["one", "two[/]"]
    assert [player["won"] for player in parsed["players"]] == [6, 0]


def test_a_match_without_games_has_a_report() -> None:
    report = report_match(TWO, [])
    assert (report.players[0].low, report.players[0].high) == (0, 1)
    assert "no game has ended" in list(report.lines())


def test_the_interval_is_that_of_wilson() -> None:
    # By hand: (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n) with p = 0.7, n = 10, z = 1.96.
    assert wilson_interval(7, 10) == pytest.approx((0.3968, 0.8922), abs=1e-4)
    assert wilson_interval(0, 0) == (0, 1)
    low, high = wilson_interval(10, 10)
    assert low == pytest.approx(0.7225, abs=1e-4)
    assert high == 1


def test_the_sign_test_counts_coins() -> None:
    assert sign_test(5, 0, "greater") == pytest.approx(1 / 32)
    assert sign_test(5, 0, "two-sided") == pytest.approx(1 / 16)
    assert sign_test(0, 5, "greater") == 1
    assert sign_test(0, 0, "two-sided") == 1
