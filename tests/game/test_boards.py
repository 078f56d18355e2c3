"""The boards have the numbers of the rules page, and their symmetries are symmetries."""

from __future__ import annotations

import numpy as np
import pytest

from ringrift.game import BOARDS, UnknownConfig, configs, get_board, parse_config, policy_size, transform_actions
from ringrift.game.actions import first_planes

NUMBERS = {
    # cells, rings, line lengths, elimination goals and territory goals for 2, 3 and 4 players
    "square8": (64, 18, (4, 3, 3), (18, 24, 30), (33, 22, 17)),
    "square19": (361, 72, (4, 4, 4), (72, 96, 120), (181, 121, 91)),
    "hex8": (61, 18, (4, 3, 3), (18, 24, 30), (31, 21, 16)),
    "hexagonal": (469, 96, (4, 4, 4), (96, 128, 160), (235, 157, 118)),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_of_the_rules(name: str) -> None:
    board = get_board(name)
    cells, rings, lines, eliminations, territories = NUMBERS[name]
    assert (board.cells, board.rings) == (cells, rings)
    for players, line, elimination, territory in zip((2, 3, 4), lines, eliminations, territories, strict=True):
        assert board.line_length(players) == line
        assert board.elimination_goal(players) == elimination
        assert board.territory_goal(players) == territory


@pytest.mark.parametrize("name", BOARDS)
def test_cells_are_numbered_in_position_order(name: str) -> None:
    board = get_board(name)
    assert list(board.coordinates) == sorted(board.coordinates)
    assert (np.diff(board.tables["position"]) > 0).all()
    assert all(board.tables["cell"][board.position(c)] == i for i, c in enumerate(board.coordinates))


@pytest.mark.parametrize("name", BOARDS)
def test_symmetries_form_the_whole_group_and_keep_neighbours(name: str) -> None:
    board = get_board(name)
    images = {tuple(image.tolist()) for image in board.symmetries}
    assert len(images) == (12 if board.hexagonal else 8)
    assert tuple(range(board.cells)) in images
    for first in board.symmetries:
        for second in board.symmetries:
            assert tuple(second[first].tolist()) in images
    steps = [np.array(step) for step in board.directions]
    xy = np.array([c[:2] for c in board.coordinates])
    by_xy = {tuple(c): i for i, c in enumerate(xy.tolist())}
    for image in board.symmetries:
        for cell, here in enumerate(xy):
            around = {by_xy.get(tuple((here + step).tolist())) for step in steps} - {None}
            there = xy[image[cell]]
            assert {int(image[c]) for c in around if c is not None} == {
                by_xy[tuple((there + step).tolist())] for step in steps if tuple((there + step).tolist()) in by_xy
            }


@pytest.mark.parametrize(("name", "players"), configs())
def test_symmetries_permute_the_policy(name: str, players: int) -> None:
    board = get_board(name)
    table = transform_actions(board, players)
    assert table.shape == (len(board.symmetries), policy_size(board))
    assert (table[0] == np.arange(policy_size(board))).all()
    # Lines are named by their first position, which a reflection exchanges with the last: there the names of lines
    # that would leave the board get in the way of a permutation, so only the other planes have to be one.
    directions, axes = len(board.directions), len(board.axes)
    lines = range((12 + directions) * board.cells, (12 + directions + 3 * axes) * board.cells)
    others = np.setdiff1d(np.arange(policy_size(board)), lines)
    for row in table:
        assert len(set(row[others].tolist())) == len(others)


def test_policy_sizes_of_the_documentation() -> None:
    assert {name: (first_planes(board).end, policy_size(board)) for name, board in BOARDS.items()} == {
        "square8": (88, 88 * 64 + 9),
        "square19": (176, 176 * 361 + 9),
        "hex8": (75, 75 * 61 + 9),
        "hexagonal": (171, 171 * 469 + 9),
    }


@pytest.mark.parametrize("config", ["square9_2p", "square8_5p", "square8", "square8_p", "", "hex8_33p"])
def test_unknown_configs_are_named_with_the_known_ones(config: str) -> None:
    with pytest.raises(UnknownConfig, match=r"unknown config .*square8_2p"):
        parse_config(config)
