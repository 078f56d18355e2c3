"""The menu of legal actions: order, narrowing, groups."""

from __future__ import annotations

import pytest

from ringrift.game import Game, configs
from ringrift.play.menu import FEW, menu, menu_lines, narrowed, short


def test_few_actions_stand_one_by_one_in_the_order_of_the_board() -> None:
    keys = ["SC", "OC 3,4*3,5>3,10", "OC 3,4*3,5>3,6", "OC 3,4*2,4>1,4"]
    assert [item.label for item in menu(keys)] == ["OC 3,4*2,4>1,4", "OC 3,4*3,5>3,6", "OC 3,4*3,5>3,10", "SC"]


@pytest.mark.parametrize(("board", "players"), configs())
def test_any_action_is_reached_through_groups(board: str, players: int) -> None:
    keys = Game(board, players).keys()
    reached: list[str] = []
    left = [(keys, 0)]
    while left:
        shown, depth = left.pop()
        items = menu(shown)
        assert sorted(key for item in items for key in item.keys) == sorted(shown)
        assert len(items) <= FEW
        assert depth <= 3
        for item in items:
            if len(item.keys) > 1:
                left.append((list(item.keys), depth + 1))
            else:
                reached += item.keys
    assert sorted(reached) == sorted(keys)


def test_a_large_group_is_split_though_there_are_other_kinds() -> None:
    keys = [f"PR {x},{y} {n}" for x in range(8) for y in range(8) for n in (1, 2, 3)]
    items = menu([*keys, "SP"])
    assert [item.label for item in items] == [*(f"PR {x},… (24)" for x in range(8)), "SP"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ms", {"MS 3,4>3,6", "MS 13,4>1,3"}),
        ("3,4", {"MS 3,4>3,6", "PR 3,4 2"}),
        ("3", {"MS 3,4>3,6", "PR 3,4 2"}),
        (">3", {"MS 3,4>3,6"}),
        ("pr 2", {"PR 3,4 2"}),
        ("13,4", {"MS 13,4>1,3"}),
        ("9", set()),
    ],
)
def test_what_is_typed_narrows_the_list_and_numbers_are_whole(text: str, found: set[str]) -> None:
    assert set(narrowed(["MS 3,4>3,6", "MS 13,4>1,3", "PR 3,4 2"], text)) == found


def test_a_hex_is_found_by_its_first_two_coordinates() -> None:
    keys = ["PR 3,4,-7 1", "PR -7,3,4 1", "PR -3,4,-1 1"]
    assert narrowed(keys, "3,4") == ["PR 3,4,-7 1"]
    assert narrowed(keys, "-3,4") == ["PR -3,4,-1 1"]


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("MS 3,4>3,6", "MS 3,4>3,6"),
        ("TR 0,0;0,1", "TR 0,0;0,1"),
        ("TR 0,0;0,1;0,2;1,0", "TR 0,0;0,1;… (4 cells)"),
        ("PL 0,0;0,1;0,2;0,3", "PL 0,0…0,3"),
        ("LO 0,0;0,1;0,2;0,3;0,4=all", "LO 0,0…0,4=all"),
        ("LO 0,0;0,1;0,2;0,3;0,4=0,1;0,2;0,3;0,4", "LO 0,0…0,4=0,1…0,4"),
    ],
)
def test_long_keys_are_cut_down(key: str, shown: str) -> None:
    assert short(key) == shown


def test_the_menu_stands_in_columns_under_headings() -> None:
    items = menu(["MS 3,4>3,6", "OC 3,4*2,4>1,4", "MS 3,4>3,7", "SC"])
    assert menu_lines(items, 30) == [
        "MS  move a stack: from>to",
        "  1  MS 3,4>3,6",
        "  2  MS 3,4>3,7",
        "OC  capture: from*captured>to",
        "  3  OC 3,4*2,4>1,4",
        "SC  skip the capture",
        "  4  SC",
    ]
    assert menu_lines(items, 60)[1] == "  1  MS 3,4>3,6       2  MS 3,4>3,7"
