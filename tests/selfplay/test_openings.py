"""What games begin with."""

from __future__ import annotations

import pytest

from ringrift.game import Game, get_board
from ringrift.selfplay import BadOpening, Openings


@pytest.mark.parametrize(("board", "players"), [("square8", 2), ("hex8", 4)])
def test_an_opening_is_legal_and_ends_where_somebody_has_a_choice(board: str, players: int) -> None:
    openings = Openings(get_board(board), players, max_moves=500, seed=3)
    for number in range(5):
        opening = openings.draw(number, plies=12)
        game = Game(board, players)
        for action in opening.actions.tolist():
            game.play(action)
        assert game.array.tobytes() == opening.state[0].tobytes()
        assert opening.plies >= 12
        assert len(game.legal_actions()) > 1


def test_openings_differ_and_depend_on_the_seed_and_their_number_alone() -> None:
    one, same, other = (Openings(get_board("hex8"), 2, max_moves=500, seed=seed) for seed in (1, 1, 2))
    drawn = [one.draw(number, plies=8).actions.tobytes() for number in range(10)]
    assert [same.draw(number, plies=8).actions.tobytes() for number in (7, 2)] == [drawn[7], drawn[2]]
    assert len({*drawn, *(other.draw(number, plies=8).actions.tobytes() for number in range(10))}) == 20


def test_without_plies_the_game_begins_at_its_start() -> None:
    opening = Openings(get_board("hex8"), 2, max_moves=500, seed=0).draw(0, plies=0)
    assert len(opening.actions) == 0
    assert opening.state[0].tobytes() == Game("hex8", 2).array.tobytes()


def test_an_opening_that_ends_the_game_is_refused() -> None:
    with pytest.raises(BadOpening, match="openings of 400 plies end the game on hex8: choose shorter ones"):
        Openings(get_board("hex8"), 2, max_moves=500, seed=0).draw(0, plies=400)
