"""Alpha-beta search: the player at the root maximises its own value, everybody else minimises it.

For two players that is minimax. For more it is the paranoid search (Sturtevant, Korf: On pruning techniques for
multi-player games, 2000). With `best_reply` only one opponent chooses between two turns of the root player, and the
others play what looks best to themselves at one ply: BRS+ (Esser et al.: Improved best-reply search, 2013).

It is a principal variation search (null windows) with a table of positions. A game won after n decisions scores
`WON` − n, a lost one the opposite, so that sooner wins and later losses are better.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ringrift.game.state import GAME_OVER
from ringrift.heuristic import evaluate
from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import mix64
from ringrift.search.iterative_deepening import IterativeDeepeningSearch
from ringrift.search.search_stack import (
    UNIT,
    bring_forward,
    entry_at,
    is_leaf,
    keep_best,
    make_child,
    note_refutation,
    open_node,
    order_by_evaluation,
    order_by_refutations,
    position_key,
    put_first,
    score_of,
    width_at,
)

WON: Final = 3 * UNIT
PROVEN: Final = 2 * UNIT
"""Scores beyond this are wins and losses."""

# What the score of an entry is.
EXACT: Final = 0
AT_LEAST: Final = 1
AT_MOST: Final = 2

ENTRY_TYPE: Final = np.dtype(
    [
        ("key", np.uint64),
        ("search", np.int32),  # that wrote it; entries of others count as empty
        ("score", np.int32),  # with wins and losses counted from the position
        ("action", np.int32),
        ("depth", np.int16),
        ("kind", np.uint8),
        ("guessed", np.bool_),
    ],
    align=True,
)


@compiled
def opposes(path: Any, player: int) -> bool:
    """Whether a player minimises."""
    return bool(player != path.seat + 1)


# The table


@compiled
def shifted(score: int, by: int) -> int:
    """A score with its win or loss that many decisions later."""
    if score > PROVEN:
        return score - by
    if score < -PROVEN:
        return score + by
    return score


@compiled
def settles(path: Any, entry: Any, level: int, depth: int, alpha: int, beta: int) -> bool:
    """Whether an entry makes it needless to search the position at a level; `path.score` then says what it is worth."""
    if entry.key != path.key[level] or entry.search != path.search:
        return False
    # A deeper search has seen other leaves, which would make scores depend on the table; games that end are the same.
    if entry.depth != depth and (entry.guessed or entry.depth > depth):
        return False
    score = shifted(entry.score, level)
    if (entry.kind == AT_LEAST and score < beta) or (entry.kind == AT_MOST and score > alpha):
        return False
    path.score = score
    path.exact = entry.kind == EXACT
    path.guessed = entry.guessed
    return True


@compiled
def store(path: Any, entry: Any, level: int) -> None:
    """Keep what the node at a level has come to."""
    best = path.best[level]
    entry.key = path.key[level]
    entry.search = path.search
    entry.score = shifted(best, -level)
    entry.action = path.best_action[level]
    entry.depth = path.depth[level]
    entry.kind = AT_LEAST if best >= path.beta[level] else AT_MOST if best <= path.bound[level] else EXACT
    entry.guessed = path.open[level]


# The search


@compiled
def score_leaf(path: Any, state: Any, level: int, board: Any, weights: Any, scratch: Any) -> None:
    """Set `path.score` to that of the position as it stands."""
    evaluate(state, board, weights, scratch, path.values)
    value = path.values[path.seat]
    score = score_of(value)
    if state.phase == GAME_OVER:
        if value >= 1:
            score = WON - level
        elif value <= -1:
            score = level - WON
    path.score = -score if opposes(path, state.player) else score
    path.exact = True


@compiled
def put_in_order(
    path: Any, states: Any, table: Any, level: int, board: Any, work: Any, weights: Any, scratch: Any
) -> None:
    """Order the actions of a new node, and leave out what is too many."""
    player = path.player[level]
    width = width_at(path, path.depth[level])
    if path.best_reply and opposes(path, player):
        order_by_evaluation(path, states, level, player - 1, board, work, weights, scratch)
        chooses = path.chooser[level] == 0 or path.chooser[level] == player
        keep_best(path, level, width if chooses else 1)
        bring_forward(path, level, 0)  # where it has to stay
        return
    if path.count[level] > width:
        order_by_evaluation(path, states, level, path.seat, board, work, weights, scratch)
        keep_best(path, level, width)
    if path.learns:
        order_by_refutations(path, level)
    else:
        for i in range(path.count[level]):
            path.order[level, i] = 0
    entry = entry_at(path, table, level)
    if path.remembers and entry.key == path.key[level] and entry.search == path.search:
        put_first(path, level, entry.action)


@compiled
def visit(path: Any, states: Any, table: Any, board: Any, work: Any, weights: Any, scratch: Any) -> bool:
    """Make the next child of the node at the end of the path; whether it has to be searched.

    If not, `path.score` is its score.
    """
    level = path.level
    index = path.next[level]
    player = path.player[level]
    replies = path.best_reply and opposes(path, player)
    if not path.again[level]:
        if level > 0 and not (replies and index == 0):
            bring_forward(path, level, index)
        path.scouting[level] = path.scouts and index > 0 and path.beta[level] > path.alpha[level] + 1
    alpha = path.alpha[level]
    beta = alpha + 1 if path.scouting[level] else path.beta[level]
    depth = path.depth[level] - 1
    if replies and index == 0 and path.chooser[level] != player:
        depth += 1  # to play what looks best is no choice
    count = make_child(path, states, level, depth, board, work)
    level += 1
    child = states[level]
    if opposes(path, child.player) != opposes(path, player):
        alpha, beta = -beta, -alpha
    path.chooser[level] = 0
    if path.best_reply and opposes(path, child.player):
        path.chooser[level] = player if replies and index > 0 else path.chooser[level - 1]
    if is_leaf(path, child, level, depth):
        score_leaf(path, child, level, board, weights, scratch)
        return False
    path.key[level] = position_key(child)
    if path.chooser[level] != 0:
        path.key[level] = mix64(path.key[level] ^ np.uint64(path.chooser[level]))
    if path.remembers and settles(path, entry_at(path, table, level), level, depth, alpha, beta):
        return False
    open_node(path, child, level, count, depth, alpha, beta, work)
    put_in_order(path, states, table, level, board, work, weights, scratch)
    return True


@compiled
def take(path: Any, level: int, score: int) -> None:
    """Take in the score of the child that has been visited, from the view of who decides at the level."""
    if path.scouting[level] and not path.exact and path.alpha[level] < score < path.beta[level]:
        path.scouting[level] = False
        path.again[level] = True
        return
    path.again[level] = False
    index = path.next[level]
    path.next[level] += 1
    path.open[level] |= path.guessed
    if score > path.best[level]:
        path.best[level] = score
        path.best_action[level] = path.actions[level, index]
    if level == 0:
        path.scores[index] = score
        path.searched += 1
        path.decided = abs(path.best[0]) >= WON - path.depth[0]
        score -= path.margin
    path.alpha[level] = max(path.alpha[level], score)
    if path.alpha[level] >= path.beta[level]:
        note_refutation(path, level)
        path.next[level] = path.count[level]


@compiled
def advance(path: Any, states: Any, table: Any, nodes: int, board: Any, work: Any, weights: Any, scratch: Any) -> bool:
    """Search on until the iteration is finished or that many more nodes have been made; whether it is finished."""
    stop = path.nodes + nodes
    while True:
        level = path.level
        if path.next[level] == path.count[level]:
            if level > 0 and path.remembers:
                store(path, entry_at(path, table, level), level)
            path.score = path.best[level]
            path.guessed = path.open[level]
            path.exact = False
            level -= 1
            path.level = level
            if level < 0:
                return True
        elif path.nodes >= stop:
            return False
        elif visit(path, states, table, board, work, weights, scratch):
            path.level = level + 1
            continue
        together = opposes(path, path.player[level]) == opposes(path, states[level + 1].player)
        take(path, level, path.score if together else -path.score)


class AlphaBetaSearch(IterativeDeepeningSearch):
    """The root player against all others together."""

    entry_type = ENTRY_TYPE
    advance = staticmethod(advance)

    def read_values(self, path: Any) -> npt.NDArray[np.float32]:
        """The root player's value; the others have the opposite, in equal parts."""
        value = min(max(int(path["best"][0]) / UNIT, -1.0), 1.0)
        values = np.full(self.players, -value / (self.players - 1), np.float32)
        values[path["seat"]] = value
        return values


class MinimaxSearch(AlphaBetaSearch):
    """Minimax, for two players."""
