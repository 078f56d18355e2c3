"""The depth-first searches once more, in plain Python without any pruning: what the compiled ones are compared with."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ringrift.game import Board, legal_actions, new_workspace, parse_config, step
from ringrift.game.state import GAME_OVER, MOVEMENT
from ringrift.game.types import States
from ringrift.heuristic import Weights, evaluate, load_weights, new_scratch
from ringrift.search.alpha_beta import WON
from ringrift.search.maxn import DECAY
from ringrift.search.search_stack import QUIESCENCE, QUIET_WIDTH, UNIT
from tests.game.drawing import LETTERS, drawn
from tests.search.parts import positions
from tests.search.tactics import walled

Values = npt.NDArray[np.float32]


class Rules:
    """Walking from decision to decision."""

    def __init__(self, board: Board, players: int, weights: Weights) -> None:
        self.board = board
        self.players = players
        self.weights = weights
        self.work = new_workspace(board)
        self.scratch = new_scratch(board)

    def legal(self, state: Any) -> list[int]:
        count = legal_actions(state, self.board.tables, self.work, self.work["actions"])
        return [int(action) for action in self.work["actions"][:count]]

    def is_quiet(self, state: Any) -> bool:
        return bool(state["phase"] <= MOVEMENT and not state["owed"])

    def child(self, state: Any, action: int, *, across: bool) -> Any:
        """What an action leads to, with the forced actions played, those that begin a turn only if `across`."""
        child = np.array([state])[0]
        step(child, action, self.board.tables, self.work)
        while child["phase"] != GAME_OVER and (across or not self.is_quiet(child)):
            legal = self.legal(child)
            if len(legal) > 1:
                break
            step(child, legal[0], self.board.tables, self.work)
        return child

    def evaluate(self, state: Any) -> Values:
        values = np.zeros(4, np.float32)
        evaluate(state, self.board.tables, self.weights, self.scratch, values)
        return values

    def score(self, state: Any, seat: int, level: int) -> int:
        value = self.evaluate(state)[seat]
        if state["phase"] == GAME_OVER and abs(value) >= 1:
            return (WON - level) * int(value)
        return int(np.rint(value * np.float32(UNIT)))

    def is_leaf(self, state: Any, depth: int) -> bool:
        return bool(state["phase"] == GAME_OVER or (depth <= 0 and (depth <= -QUIESCENCE or self.is_quiet(state))))

    def actions(self, state: Any, depth: int, view: int) -> list[int]:
        """The actions of a node: all, but in quiescence only the best few by evaluation, for seat `view`."""
        legal = self.legal(state)
        return legal if depth > 0 else self.best(state, legal, view, max(1, QUIET_WIDTH >> -depth))

    def best(self, state: Any, legal: list[int], view: int, count: int) -> list[int]:
        """The `count` actions that look best to who decides, judged by the value for seat `view`."""
        if len(legal) <= count:
            return legal
        sign = 1 if state["player"] == view + 1 else -1
        ranked = []
        for action in legal:
            value = self.evaluate(self.child(state, action, across=False))[view]
            ranked.append((sign * int(np.rint(value * np.float32(UNIT))), action))
        for first in range(count):
            swap = max(range(first, len(ranked)), key=lambda i: (ranked[i][0], -i))
            ranked[first], ranked[swap] = ranked[swap], ranked[first]
        return [action for _, action in ranked[:count]]


def root_scores(rules: Rules, state: Any, depth: int, score: Callable[..., Any]) -> dict[int, Any]:
    """What each action of a position is worth by one of the functions below."""
    return {
        action: score(rules, rules.child(state, action, across=depth > 1), int(state["player"]) - 1, depth - 1, 1)
        for action in rules.legal(state)
    }


def paranoid(rules: Rules, state: Any, seat: int, depth: int, level: int) -> int:
    """The score for a seat that maximises it while all others minimise it; for two players, minimax."""
    if rules.is_leaf(state, depth):
        return rules.score(state, seat, level)
    scores = [
        paranoid(rules, rules.child(state, action, across=depth > 1), seat, depth - 1, level + 1)
        for action in rules.actions(state, depth, seat)
    ]
    return max(scores) if state["player"] == seat + 1 else min(scores)


def best_reply(rules: Rules, state: Any, seat: int, depth: int, level: int, chooser: int = 0) -> int:
    """The score for a seat when only one opponent chooses between its turns, and the others play what looks best."""
    if rules.is_leaf(state, depth):
        return rules.score(state, seat, level)
    player = int(state["player"])
    if player == seat + 1:
        children = [(action, depth - 1, 0) for action in rules.actions(state, depth, seat)]
    else:
        legal = rules.legal(state)
        usual = rules.best(state, legal, player - 1, 1)[0] if len(legal) > 1 else legal[0]
        children = [(usual, depth - (chooser == player), chooser)]
        if chooser in (0, player):
            among = legal if depth > 0 else rules.best(state, legal, player - 1, max(1, QUIET_WIDTH >> -depth))
            children += [(action, depth - 1, player) for action in among if action != usual]
    scores = []
    for action, left, next_chooser in children:
        child = rules.child(state, action, across=left > 0)
        carried = 0 if child["player"] == seat + 1 else next_chooser
        scores.append(best_reply(rules, child, seat, left, level + 1, carried))
    return max(scores) if player == seat + 1 else min(scores)


def maxn(rules: Rules, state: Any, seat: int, depth: int, level: int) -> Values:
    """The values of a position when everybody maximises the own; ties go against a seat, then to the lower action."""
    if rules.is_leaf(state, depth):
        return rules.evaluate(state)
    player = int(state["player"]) - 1
    children = [
        (maxn(rules, rules.child(state, action, across=depth > 1), seat, depth - 1, level + 1) * DECAY, action)
        for action in rules.actions(state, depth, player)
    ]
    return max(children, key=lambda child: (child[0][player], -child[0][seat], -child[1]))[0]


@cache
def endgames(config: str, wanted: int = 6, most: int = 400) -> States:
    """Positions with a choice whose whole tree has at most that many positions, and at least a tenth of it.

    A few cells with random pieces are left in a corner, all others have been collapsed.
    """
    board, players = parse_config(config)
    rules = Rules(board, players, load_weights(config))
    rng = np.random.default_rng(5)
    pieces = [".", ".", ".", *LETTERS[:players]]
    output: list[Any] = []
    while len(output) < wanted:
        tokens = [*pieces, *("".join(map(str, rng.integers(1, players + 1, height))) for height in (1, 2, 3))]
        drawing = "\n".join(" ".join(rng.choice(tokens, 3)) for _ in range(3))
        gone = players * board.rings - len("".join(token for token in drawing.split() if token.isdigit()))
        game = drawn(
            board.name,
            walled(board.name, drawing, players),
            players,
            ringsInHand=[0] * players,
            eliminatedRings=[gone // players + (seat < gone % players) for seat in range(players)],
        )
        while len(game.legal_actions()) == 1:
            game.play(game.legal_actions()[0])
        if not game.is_over and most // 10 <= tree_size(rules, game.array, most) <= most:
            output.append(game.array)
    states: States = np.array(output)
    return states


def tree_size(rules: Rules, state: Any, most: int) -> int:
    """Positions of the whole tree below a position, counted up to `most` + 1."""
    count, waiting = 0, [state]
    while waiting and count <= most:
        current = waiting.pop()
        count += 1
        if current["phase"] != GAME_OVER:
            waiting += [rules.child(current, action, across=True) for action in rules.legal(current)]
    return count


def middlegames(config: str, wanted: int = 6, moves: int = 80, widest: int = 7) -> States:
    """Positions from random games in which few enough actions are legal to search them in plain Python."""
    board, players = parse_config(config)
    rules = Rules(board, players, load_weights(config))
    fitting = [state for state in positions(board.name, players, 300, moves) if 1 < len(rules.legal(state)) <= widest]
    assert len(fitting) >= wanted
    states: States = np.array(fitting[:wanted])
    return states
