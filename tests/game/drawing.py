"""Positions drawn by hand, for tests: rows from y = 0 down, cells separated by blanks.

.      empty        a  marker of player 1 (b: player 2, …)        #a  collapsed to player 1
112    a stack, bottom ring first: here two rings of player 1 under one of player 2
"""

from __future__ import annotations

from typing import Any

from ringrift.game import Game, get_board

LETTERS = "abcd"


def position(board: str, drawing: str, players: int = 2, **fields: Any) -> dict[str, Any]:
    """The JSON of a drawn position; rings not drawn count as in hand, fields override what else there is.

    A square drawing may be smaller than the board: it is its corner at (0, 0). A hex drawing has a line per y, from
    −radius on; cells left out at its end are empty.
    """
    geometry = get_board(board)
    stacks: dict[str, str] = {}
    markers: dict[str, int] = {}
    collapsed: dict[str, int] = {}
    lines = [line.split() for line in drawing.strip().splitlines()]
    for row, tokens in enumerate(lines):
        y = row - geometry.radius
        xs = sorted(c[0] for c in geometry.coordinates if c[1] == y)
        for x, token in zip(xs, tokens, strict=False):
            key = ",".join(map(str, (x, y, -x - y) if geometry.hexagonal else (x, y)))
            if token.isdigit():
                stacks[key] = token
            elif token in LETTERS:
                markers[key] = LETTERS.index(token) + 1
            elif token.startswith("#"):
                collapsed[key] = LETTERS.index(token[1]) + 1
            else:
                assert token == ".", token
    on_board = "".join(stacks.values())
    hand = fields.get("ringsInHand") or [geometry.rings - on_board.count(str(p + 1)) for p in range(players)]
    gone = sum(geometry.rings - hand[p] - on_board.count(str(p + 1)) for p in range(players))
    eliminated = fields.get("eliminatedRings") or [gone, *[0] * (players - 1)]
    base: dict[str, Any] = {
        "currentPlayer": 1,
        "phase": "ring_placement",
        "status": "active",
        "winner": None,
        "stacks": stacks,
        "markers": markers,
        "collapsed": collapsed,
        "ringsInHand": hand,
        "eliminatedRings": eliminated,
        "territorySpaces": [list(collapsed.values()).count(p + 1) for p in range(players)],
        "totalRingsEliminated": sum(eliminated),
        "mustMoveFrom": None,
        "chain": None,
        "pendingLineElim": False,
        "pendingTerritoryElim": False,
        "captureFrom": None,
        "turnHadBoardChange": False,
        "turnHadRecoverySlide": False,
        "lps": {
            "round": 0,
            "first": None,
            "mask": {},
            "exclusive": None,
            "consecutive": 0,
            "consecutivePlayer": None,
        },
    }
    return base | fields


def drawn(board: str, drawing: str, players: int = 2, **fields: Any) -> Game:
    """A game in a drawn position."""
    return Game.from_state(position(board, drawing, players, **fields), board, players)


def shape(game: Game) -> dict[str, str]:
    """What stands where, by cell key, in the tokens of a drawing."""
    state = game.state()
    found = dict(state["stacks"])
    found |= {key: LETTERS[owner - 1] for key, owner in state["markers"].items()}
    found |= {key: "#" + LETTERS[owner - 1] for key, owner in state["collapsed"].items()}
    return found
