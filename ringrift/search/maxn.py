"""Searches for three and four players: max^n, paranoid and best reply.

Max^n (Luckhardt, Irani: An algorithmic solution of n-person games, 1986): everybody maximises the own value. Among
actions that are worth the same to who decides, the one that is worst for the player at the root is expected, and
of those the one with the lowest number; so the answer does not depend on the order of search. Values shrink by `DECAY`
with every decision, which makes sooner wins and later losses better.

Paranoid and best-reply search are alpha-beta: see `minimax.py`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ringrift.game.boards import MAX_PLAYERS
from ringrift.heuristic import evaluate
from ringrift.kernels.compiled import compiled
from ringrift.search.alpha_beta import AlphaBetaSearch
from ringrift.search.iterative_deepening import IterativeDeepeningSearch
from ringrift.search.search_stack import (
    INFINITY,
    LEVELS,
    copy_values,
    entry_at,
    is_leaf,
    keep_best,
    make_child,
    open_node,
    order_by_evaluation,
    position_key,
    score_of,
    width_at,
)

DECAY: Final = np.float32(1 - 2.0**-12)
SURE: Final = np.float32(DECAY**LEVELS)
"""A value from here on, if no evaluation is in it, is a win."""

ENTRY_TYPE: Final = np.dtype(
    [
        ("key", np.uint64),
        ("search", np.int32),  # that wrote it; entries of others count as empty
        ("values", np.float32, (MAX_PLAYERS,)),
        ("depth", np.int16),
        ("guessed", np.bool_),
    ],
    align=True,
)


@compiled
def visit(path: Any, states: Any, table: Any, board: Any, work: Any, weights: Any, scratch: Any) -> bool:
    """Make the next child of the node at the end of the path; whether it has to be searched.

    If not, `path.values` are its values.
    """
    depth = path.depth[path.level] - 1
    count = make_child(path, states, path.level, depth, board, work)
    level = path.level + 1
    child = states[level]
    if is_leaf(path, child, level, depth):
        evaluate(child, board, weights, scratch, path.values)
        return False
    path.key[level] = position_key(child)
    entry = entry_at(path, table, level)
    known = path.remembers and entry.key == path.key[level] and entry.search == path.search
    if known and (entry.depth == depth or (entry.depth < depth and not entry.guessed)):
        copy_values(entry.values, path.values)
        path.guessed = entry.guessed
        return False
    open_node(path, child, level, count, depth, -INFINITY, INFINITY, work)
    width = width_at(path, depth)
    if count > width:
        order_by_evaluation(path, states, level, child.player - 1, board, work, weights, scratch)
        keep_best(path, level, width)
    return True


@compiled
def is_better(path: Any, level: int) -> bool:
    """Whether who decides at a level prefers the values of the last child to the best so far."""
    known = path.best_action[level]
    mover = path.player[level] - 1
    best = path.best_values[level]
    if known < 0 or path.values[mover] != best[mover]:
        return bool(known < 0 or path.values[mover] > best[mover])
    if path.values[path.seat] != best[path.seat]:
        return bool(path.values[path.seat] < best[path.seat])
    return bool(path.actions[level, path.next[level]] < known)


@compiled
def take(path: Any, level: int) -> None:
    """Take in the values of the child that has been visited."""
    for seat in range(MAX_PLAYERS):
        path.values[seat] *= DECAY
    index = path.next[level]
    path.open[level] |= path.guessed
    if is_better(path, level):
        path.best_action[level] = path.actions[level, index]
        copy_values(path.values, path.best_values[level])
        won = path.values[path.player[level] - 1]
        # A win beyond the depth has come up by chance, and there may be a sooner one.
        path.sure[level] = not path.guessed and won >= SURE and won > DECAY ** (path.depth[level] + 0.5)
    path.next[level] += 1
    if level == 0:
        path.scores[index] = score_of(path.values[path.seat])
        path.searched += 1
        path.decided = path.sure[0]


@compiled
def advance_maxn(
    path: Any, states: Any, table: Any, nodes: int, board: Any, work: Any, weights: Any, scratch: Any
) -> bool:
    """Search on until the iteration is finished or that many more nodes have been made; whether it is finished."""
    stop = path.nodes + nodes
    while True:
        level = path.level
        if path.next[level] == path.count[level]:
            copy_values(path.best_values[level], path.values)
            path.guessed = path.open[level] and not path.sure[level]
            if path.remembers and level > 0:
                entry = entry_at(path, table, level)
                entry.key = path.key[level]
                entry.search = path.search
                copy_values(path.values, entry.values)
                entry.depth = path.depth[level]
                entry.guessed = path.guessed
            level -= 1
            path.level = level
            if level < 0:
                return True
        elif path.nodes >= stop:
            return False
        elif visit(path, states, table, board, work, weights, scratch):
            path.level = level + 1
            continue
        take(path, level)


class MaxnSearch(IterativeDeepeningSearch):
    """Everybody for itself."""

    entry_type = ENTRY_TYPE
    advance = staticmethod(advance_maxn)

    def read_values(self, path: Any) -> npt.NDArray[np.float32]:
        """The values that the root player's best action leads to."""
        values: npt.NDArray[np.float32] = path["best_values"][0, : self.players].copy()
        return values


class ParanoidSearch(AlphaBetaSearch):
    """The root player against all others."""


class BestReplySearch(AlphaBetaSearch):
    """The root player against the one of the others who hurts most."""

    def set_up(self, path: Any) -> None:
        """Settings of a path."""
        super().set_up(path)
        path["best_reply"] = True
