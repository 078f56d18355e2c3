"""Who sits where."""

from __future__ import annotations

from collections import Counter

import pytest

from ringrift.evaluation import BadMatch, schedule, seatings


@pytest.mark.parametrize(
    ("agents", "players", "count"), [(2, 2, 2), (2, 3, 6), (3, 3, 6), (2, 4, 14), (3, 4, 36), (4, 4, 24)]
)
def test_every_agent_has_every_seat_equally_often(agents: int, players: int, count: int) -> None:
    orders = seatings(agents, players)
    assert len(set(orders)) == len(orders) == count
    assert all(set(order) == set(range(agents)) for order in orders), "nobody is left out"
    for seat in range(players):
        assert set(Counter(order[seat] for order in orders).values()) == {count // agents}


def test_two_agents_on_three_seats_take_all_combinations() -> None:
    assert ["".join("AB"[agent] for agent in order) for order in seatings(2, 3)] == [
        "AAB",
        "ABA",
        "ABB",
        "BAA",
        "BAB",
        "BBA",
    ]


@pytest.mark.parametrize("players", [2, 3, 4])
def test_an_agent_alone_has_every_seat_once(players: int) -> None:
    orders = seatings(2, players, alone=True)
    assert [order.index(0) for order in orders] == list(range(players))
    assert all(order.count(0) == 1 for order in orders)


@pytest.mark.parametrize(("agents", "players"), [(1, 2), (3, 2), (1, 3), (5, 4)])
def test_too_few_or_too_many_agents_are_refused(agents: int, players: int) -> None:
    with pytest.raises(BadMatch, match=f"with {players} seats needs .* not {agents}"):
        seatings(agents, players)


def test_every_opening_is_played_in_every_seating_and_every_game_has_a_number_of_its_own() -> None:
    games = list(schedule(3, 3, openings=4))
    assert [game.number for game in games] == list(range(24))
    for opening in range(4):
        assert [game.seating for game in games if game.opening == opening] == list(seatings(3, 3))
