"""Positions in which a player who searches must find something: wins in one turn, and defences against one.

Any search can be put to them: `solves(tactic, run)` plays a turn with `run`, the `run` of a search. Nothing has to be
known about the game to solve them: its end is near enough.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ringrift.game import Game, get_board, legal_actions, new_workspace, step
from ringrift.game.state import GAME_OVER
from ringrift.game.types import States
from ringrift.search import SearchOutput
from tests.game.drawing import LETTERS, position

WIN = "win"
DEFEND = "defend"


@dataclass(frozen=True)
class Tactic:
    """A drawn position; all cells that are left out are collapsed, to the players in turn."""

    name: str
    task: str
    """WIN: player 1 wins in this turn. DEFEND: player 1 plays so that nobody wins before its next turn."""
    drawing: str
    hands: int
    """Rings in everybody's hand."""
    board: str = "square8"
    players: int = 2
    fields: dict[str, Any] = field(default_factory=dict)

    def game(self) -> Game:
        """The position, with player 1 to act. Rings that are not on the board are credited in equal parts."""
        board = get_board(self.board)
        rings = [token for token in self.drawing.split() if token.isdigit()]
        gone = self.players * (board.rings - self.hands) - len("".join(rings))
        credited = [gone // self.players + (gone % self.players if seat == 0 else 0) for seat in range(self.players)]
        json = position(
            self.board,
            walled(self.board, self.drawing, self.players),
            self.players,
            ringsInHand=[self.hands] * self.players,
            eliminatedRings=credited,
            **self.fields,
        )
        return Game.from_state(json, self.board, self.players)


def walled(board: str, drawing: str, players: int) -> str:
    """A drawing with all cells that it leaves out collapsed, to the players in turn."""
    geometry = get_board(board)
    lines = [line.split() for line in drawing.strip().splitlines()]
    taken = 0
    for row in range(geometry.size):
        length = geometry.size - (abs(row - geometry.radius) if geometry.hexagonal else 0)
        if row == len(lines):
            lines.append([])
        while len(lines[row]) < length:
            lines[row].append("#" + LETTERS[taken % players])
            taken += 1
    return "\n".join(" ".join(line) for line in lines)


def rounds(player: int) -> dict[str, Any]:
    """The tracker of the last player standing: two exclusive rounds are done, and the third has begun."""
    return {
        "lps": {
            "round": 5,
            "first": player,
            "mask": {str(player): True},
            "exclusive": player,
            "consecutive": 2,
            "consecutivePlayer": player,
        }
    }


TACTICS = (
    Tactic("ring elimination", WIN, "b b .\nb 122 .\n1 . .", 1),
    Tactic("the one chain of captures that eliminates enough rings", WIN, "b b .\n11 221 2\n. a .", 1),
    Tactic("territory", WIN, "a 122 b\n. . 112\nb b .", 1),
    Tactic("territory after a chain of captures", WIN, ". b b b .\n1 212 . . .", 1),
    Tactic("last with material", WIN, ". 11 .\nb . 111", 2),
    Tactic("last player standing over rounds", WIN, "122 . a\n211 . .", 1, fields=rounds(1)),
    Tactic("ring elimination, three players", WIN, "222 b c . .\n332 c c . .\n. 221 b a 313", 1, "hex8", 3),
    Tactic("a chain of captures, three players", WIN, ". 132 3 . .\n221 a 131 . 1", 1, "hex8", 3),
    Tactic("last with material, three players", WIN, ". . .\nb a 133\n213 3 .", 2, "hex8", 3),
    Tactic("stalemate, three players", WIN, ". 132 . .\n. 13 b c", 1, "hex8", 3),
    Tactic("against ring elimination", DEFEND, ". . .\nb 11 .\n. . .", 1),
    Tactic("against a chain of captures", DEFEND, "a . 111 a .\n12 b 111 . b", 2),
    Tactic("against territory", DEFEND, "122 . a\nb b .", 2),
    Tactic("against territory with one stack", DEFEND, ". 2 b\na . b", 2),
    Tactic("against last player standing", DEFEND, "221 12 .\n. . .\n. . 2", 1, fields=rounds(2)),
)


def solves(tactic: Tactic, run: Callable[[States], SearchOutput]) -> bool:
    """Whether a search, asked at every decision of player 1's turn, does what there is to do."""
    game = tactic.game()
    turn = int(game.array["turn"])
    while not game.is_over and ((game.player == 1 and game.array["turn"] == turn) or len(game.legal_actions()) == 1):
        legal = game.legal_actions()
        game.play(int(legal[0] if len(legal) == 1 else run(game.array.reshape(1)).chosen_actions[0]))
    if game.is_over or tactic.task == WIN:
        return game.result().winner == 1
    return not any(state["winner"] > 1 for state in ends_of_turn(game.array, tactic))


def ends_of_turn(state: Any, tactic: Tactic) -> list[Any]:
    """All positions in which the turn of a player can end, with what is forced after it."""
    tables = get_board(tactic.board).tables
    work = new_workspace(get_board(tactic.board))
    ends, waiting = [], [state]
    while waiting:
        current = waiting.pop()
        count = legal_actions(current, tables, work, work["actions"])
        if current["phase"] == GAME_OVER or (count > 1 and current["turn"] != state["turn"]):
            ends.append(current)
            continue
        for action in work["actions"][:count].tolist():
            child = np.array([current])[0]
            step(child, action, tables, work)
            waiting.append(child)
    return ends
