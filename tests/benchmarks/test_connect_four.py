"""Connect Four: its rules against OpenSpiel's, and the searches on it."""

from __future__ import annotations

import numpy as np
import pyspiel
import pytest

from ringrift.benchmarks import connect_four
from ringrift.benchmarks.connect_four import CONNECT_FOUR, encode, legal_actions, new_games, outcome, positions, step
from ringrift.search import GumbelSearch, PuctSearch, UniformEvaluator

DRAWN = [int(column) for column in "335212005014602435524223014410466566335611"]


def test_games_go_as_in_openspiel() -> None:
    """Legal columns and stones at every ply, and the result, of random games and a drawn one."""
    draw, work, game = np.random.default_rng(0), connect_four.workspace(), pyspiel.load_game("connect_four")
    image, results = np.zeros((1, connect_four.INPUTS), np.uint8), []
    for number in range(300):
        mine, theirs = new_games(1), game.new_initial_state()
        while True:
            legal = work["actions"][: legal_actions(mine[0], CONNECT_FOUR.tables, work, work["actions"])].tolist()
            assert legal == ([] if theirs.is_terminal() else theirs.legal_actions())
            encode(mine, image)
            planes = np.array(theirs.observation_tensor(0), bool).reshape(3, 6, 7)[:2, ::-1]
            ours = image.reshape(6, 7, 2)[:, :, :: 1 if mine[0]["player"] == 1 else -1]
            assert (ours == np.moveaxis(planes, 0, -1)).all()
            if not legal:
                break
            column = DRAWN[mine[0]["ply"]] if number == 0 else draw.choice(legal)
            step(mine[0], column, CONNECT_FOUR.tables, work)
            theirs.apply_action(column)
        values = np.zeros(2)
        outcome(mine[0], values)
        assert values.tolist() == theirs.returns()
        results.append(values[0])
    assert set(results) == {-1, 0, 1}


def test_openings_are_of_all_lengths_and_leave_the_game_open() -> None:
    moves = connect_four.openings(400, 12)
    states = positions(moves)
    assert (states["winner"] == 0).all()
    assert set(states["ply"].tolist()) == set(range(13))
    assert ((moves >= 0).sum(axis=1) == states["ply"]).all()


LINES = {"upwards": ("010101", 0), "level": ("001122", 3), "on a diagonal": ("0112322336", 3)}
"""Moves after which player 1 wins at once, and where."""


@pytest.mark.parametrize("kind", [GumbelSearch, PuctSearch])
@pytest.mark.parametrize("name", LINES)
def test_a_search_finds_the_win_and_a_move_earlier_the_block(kind: type[GumbelSearch | PuctSearch], name: str) -> None:
    moves, column = LINES[name]
    search = kind(CONNECT_FOUR, 2, UniformEvaluator(2), simulations=200)
    for before in (moves, moves[:-1]):
        output = search.run(positions(np.array([[int(move) for move in before]], np.int32)))
        assert output.chosen_actions.tolist() == [column]
