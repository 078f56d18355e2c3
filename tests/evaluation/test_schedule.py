"""Who sits where, and what the games begin with."""

from __future__ import annotations

from collections import Counter

import pytest

from ringrift.evaluation import BadMatch, Openings, fixtures, seatings
from ringrift.game import Game, get_board


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


@pytest.mark.parametrize(("agents", "players"), [(1, 2), (3, 2), (1, 3), (5, 4)])
def test_too_few_or_too_many_agents_are_refused(agents: int, players: int) -> None:
    with pytest.raises(BadMatch, match=f"with {players} seats needs .* not {agents}"):
        seatings(agents, players)


def test_every_opening_is_played_in_every_seating_and_every_game_has_a_number_of_its_own() -> None:
    games = list(fixtures(3, 3, openings=4))
    assert [game.number for game in games] == list(range(24))
    for opening in range(4):
        assert [game.seating for game in games if game.opening == opening] == list(seatings(3, 3))


@pytest.mark.parametrize(("board", "players"), [("square8", 2), ("hex8", 4)])
def test_an_opening_is_legal_and_ends_where_somebody_has_a_choice(board: str, players: int) -> None:
    openings = Openings(get_board(board), players, plies=12, seed=3)
    for number in range(5):
        opening = openings.draw(number)
        game = Game(board, players)
        for action in opening.actions.tolist():
            game.play(action)
        assert game.array.tobytes() == opening.state[0].tobytes()
        assert opening.plies >= 12
        assert len(game.legal_actions()) > 1


def test_openings_differ_and_depend_on_the_seed_and_their_number_alone() -> None:
    one, same, other = (Openings(get_board("hex8"), 2, plies=8, seed=seed) for seed in (1, 1, 2))
    drawn = [one.draw(number).actions.tobytes() for number in range(10)]
    assert [same.draw(number).actions.tobytes() for number in (7, 2)] == [drawn[7], drawn[2]]
    assert len({*drawn, *(other.draw(number).actions.tobytes() for number in range(10))}) == 20


def test_without_plies_the_game_begins_at_its_start() -> None:
    opening = Openings(get_board("hex8"), 2, plies=0, seed=0).draw(0)
    assert len(opening.actions) == 0
    assert opening.state[0].tobytes() == Game("hex8", 2).array.tobytes()


def test_an_opening_that_ends_the_game_is_refused() -> None:
    with pytest.raises(BadMatch, match="openings of 400 plies end the game on hex8: choose shorter ones"):
        Openings(get_board("hex8"), 2, plies=400, seed=0).draw(0)
