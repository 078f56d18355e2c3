"""Every feature, counted by hand on drawn boards."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from ringrift.heuristic import FEATURE_NAMES
from tests.game.drawing import drawn
from tests.heuristic.positions import counts


@dataclass(frozen=True)
class Drawing:
    """A position, player 1 to act unless it says otherwise, and what is to be counted there by seat."""

    name: str
    board: str
    players: int
    drawing: str
    counts: dict[str, list[float]]
    fields: dict[str, Any] = field(default_factory=dict)


RINGS = Drawing(
    "rings",
    "square8",
    2,
    """
    .  .   .  .   .
    .  21  .  112 .
    .  .   .  .   .
    .  121 .  .   111
    """,
    {
        "hand": [10, 15],
        "stacks": [3, 1],
        "caps": [1 + 1 + 3, 1],
        "captives": [1 + 1, 2],
        "buried": [2, 1 + 1],  # the own ring under the 2 of 121 is not lost
        "centre": [2 / 7 + 2 / 7 + 6 / 7, 2 / 7],  # the four cells in the middle of eight are 1/7 off the centre
        "to_act": [1, 0],
    },
)

MOVEMENT = Drawing(
    "movement",
    "square8",
    3,
    """
    111 .  .  .  #a .  #a 22
    .   #a .  .  .  .  #a #a
    a   .  .  .  .  .  .  .
    .   .  .  .  .  .  .  3
    #b
    """,
    {
        # Three rings go three cells or more: right and down, over the marker, there is just one such landing.
        # The single ring of player 3 goes 7 cells left, 3 and 2 up diagonally, 1 and 4 down, 4 down diagonally.
        "mobility": [2, 0, 7 + 2 + 1 + 4 + 4],
        "dead": [0, 1, 0],
        "stuck": [0, 1, 0],
        "sole": [1 / 2, 0, 1 / 2],
        "markers": [1, 0, 0],
        "territory": [5, 1, 0],
    },
    {"ringsInHand": [0, 0, 0], "eliminatedRings": [15, 16, 17]},
)

CONTACT = Drawing(
    "contact",
    "square8",
    2,
    """
    . 1  . 2 .
    . .  . . .
    . .  . . .
    . 22 . . 111
    """,
    {
        # Player 1: the single rings capture each other; 111 captures 22 and lands four cells away, at the edge.
        # Player 2: 22 cannot capture upwards, because there is no landing behind, nor 111, whose cap is higher.
        "targets": [2, 1],
        "overtakes": [1, 1],
        "threatened": [1, 2],
        "hanging": [0, 2],  # player 1 is to act
    },
)

HIGHER = Drawing(
    "a landing that is taken",
    "hex8",
    2,
    """
    .   .  .  .  .
    .   .  .  .  .  .
    .   .  .  .  .  .  .
    .   .  .  .  .  .  .  .
    111 .  2  1  .  .  .  .  .
    """,
    {
        # 111 cannot capture the 2, because the own ring stands right behind it. That ring and the 2 capture each other.
        "targets": [1, 1],
        "overtakes": [1, 1],
        "threatened": [1, 1],
        "hanging": [0, 1],
    },
)

ROWS = Drawing(
    "rows of four",
    "square8",
    2,
    """
    .  .  .  .  .  .  .  .
    .  #b .  .  .  .  .  .
    .  .  a  a  a  .  .  .
    .  .  .  .  .  .  .  b
    .  .  .  .  .  .  .  b
    .  .  .  .  .  .  .  b
    .  a  .  a  a  .  .  b
    """,
    {
        "markers": [6, 4],
        # aaa lacks one to either side, half each, and its middle two to either side; a.aa lacks one from both ends, and
        # two from its inner markers outwards. A row counts as many cells as a line has.
        "one_short": [4 * (1 + 1), 4 * 1],
        "two_short": [4 * (1 + 1), 4 * 1],
        "lines": [0, 4 * 1],
        # Three pairs of player 1, each seen from both sides, and the collapsed cell. Three pairs of player 2, and from
        # each of its four markers three directions lead off the board.
        "links": [2 * 3 + 1, 2 * 3 + 4 * 3],
    },
)

HEX_ROWS = Drawing(
    "rows of three",
    "hex8",
    3,
    """
    b  b  b  .  .
    .  .  .  .  .  .
    .  c  .  .  a  .  a
    .  .  .  .  .  .  .  .
    .  .  .  .  123  .  .  .  .
    """,
    {
        "lines": [0, 3 * 1, 0],
        "one_short": [3 * 1, 3 * 1, 0],  # a.a from both ends; the middle of bbb to both sides
        "two_short": [0, 0, 0],  # a single marker is no row
        # From the corner three directions lead off the board, from the other cells of an edge two.
        "links": [2, 2 * 2 + 3 + 2 + 2, 0],
        "centre": [0, 0, 1],
    },
)

CLAIMS = Drawing(
    "regions to claim",
    "square8",
    2,
    """
    22 a  .
    .  a  .
    a  a  .
    .  a  .
    a  .  1
    """,
    {
        "claim_cells": [2, 0],  # rather than the single empty cell below
        "claim_rings": [2, 0],
        "owes": [0, 0],
    },
    {"phase": "territory_processing", "turnHadBoardChange": True},
)

DEBT = Drawing(
    "a cap that is owed",
    "square8",
    2,
    "12 . 1",
    {"to_act": [0, 1], "owes": [0, 1], "claim_cells": [0, 0], "hanging": [1, 0]},
    {"phase": "territory_processing", "pendingTerritoryElim": True, "turnHadBoardChange": True, "currentPlayer": 2},
)

RECOVERY = Drawing(
    "recovery",
    "hex8",
    3,
    "12 . a b c",
    {"recovery": [1, 0, 0], "stacks": [0, 1, 0], "buried": [1, 0, 0]},
    {"ringsInHand": [0, 0, 0], "eliminatedRings": [52, 0, 0]},
)

STANDING = Drawing(
    "how near victory is",
    "hex8",
    3,
    "1 2 3 #c #c\n#c #c #c #c #c",
    {
        "credited": [12, 6, 0],  # of 24
        "territory": [0, 0, 7],  # of 21
        "exclusive": [0, 2, 0],  # of 3
        "closeness": [1 / 4, 4 / 9, 1 / 9],
        "leader": [4 / 9 - (4 / 9 + 1 / 9) / 2, 1 / 4 - (1 / 4 + 1 / 9) / 2, 4 / 9 - (1 / 4 + 4 / 9) / 2],
    },
    {
        "ringsInHand": [11, 11, 11],
        "eliminatedRings": [12, 6, 0],
        "lps": {
            "round": 5,
            "first": 2,
            "mask": {"2": True},
            "exclusive": 2,
            "consecutive": 2,
            "consecutivePlayer": 2,
        },
    },
)

DRAWINGS = (RINGS, MOVEMENT, CONTACT, HIGHER, ROWS, HEX_ROWS, CLAIMS, DEBT, RECOVERY, STANDING)


@pytest.mark.parametrize("drawing", DRAWINGS, ids=lambda drawing: drawing.name)
def test_features_are_what_is_counted_by_hand(drawing: Drawing) -> None:
    found = counts(drawn(drawing.board, drawing.drawing, drawing.players, **drawing.fields))
    assert {name: found[name] for name in drawing.counts} == {
        name: pytest.approx(expected, abs=1e-4) for name, expected in drawing.counts.items()
    }


def test_no_feature_is_left_out() -> None:
    seen = {name for drawing in DRAWINGS for name, expected in drawing.counts.items() if any(expected)}
    assert seen == set(FEATURE_NAMES)
