"""Positions drawn as text."""

from __future__ import annotations

import pytest

from ringrift.game import configs, get_board
from ringrift.game.diagram import draw
from ringrift.game.playout import random_playouts


@pytest.mark.parametrize(("board", "players"), configs())
def test_every_board_can_be_read_at_120_columns(board: str, players: int) -> None:
    for moves in (0, 40, 400):
        state = random_playouts(get_board(board), players, 1, seed=moves, max_moves=max(1, moves)).states[0]
        wide = draw(get_board(board), state).splitlines()
        lines = draw(get_board(board), state, width=120).splitlines()
        assert max(map(len, lines)) <= 120
        assert len(lines) == len(wide)
        if max(map(len, wide)) <= 120:
            assert lines == wide


def test_short_signs_tell_the_same_as_long_ones() -> None:
    board = get_board("hexagonal")
    state = random_playouts(board, 2, 1, seed=1, max_moves=300).states[0]
    caps = draw(board, state).partition("\n\n")[0].count("/")
    short = draw(board, state, width=120)
    assert caps == sum(sign in "¹²³⁴⁵⁶⁷⁸⁹⁺" for sign in short)
    assert "/" not in short.partition("\n\n")[0]
    marked = draw(board, state, [0], width=120).partition("\n\n")[0]
    assert marked.count("*") == 1
