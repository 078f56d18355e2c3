"""Max^n search for three and four players: every player maximises its own value.

Luckhardt, Irani: An algorithmic solution of n-person games, 1986. Among actions that are worth the same to who decides,
the one that is worst for the player at the root is expected, and of those the one with the lowest number; so the output
does not depend on the order of search. Values shrink by `DECAY` with every decision, which makes sooner wins and later
losses better.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ringrift.game.boards import MAX_PLAYERS
from ringrift.game.types import BoardTables, States, Workspace
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import F32, Records
from ringrift.search.evaluation import Evaluation, evaluate_made
from ringrift.search.iterative_deepening import IterativeDeepeningSearch
from ringrift.search.search_stack import (
    INFINITY,
    MAX_LEVELS,
    SearchStack,
    copy_values,
    is_leaf,
    keep_best,
    make_child,
    order_by_evaluation,
    position_key,
    push_node,
    score_of,
    tt_entry,
    width_at,
)

DECAY: Final = np.float32(1 - 2.0**-12)
SURE: Final = np.float32(DECAY**MAX_LEVELS)
"""A value from here on, if no evaluation is in it, is a win."""

TT_ENTRY_TYPE: Final = np.dtype(
    [
        ("key", np.uint64),
        ("search", np.int32),  # that wrote it; entries of others count as empty
        ("values", np.float32, (MAX_PLAYERS,)),
        ("depth", np.int16),
        ("estimated", np.bool_),
    ],
    align=True,
)


@compiled
def search_child(
    stack: SearchStack, states: States, tt: Records, board: BoardTables, work: Workspace, evaluation: Evaluation
) -> bool:
    """Make the next child of the node at the end of the stack, and return whether it has to be searched.

    If not, `stack.values` are its values.
    """
    depth = stack.depth[stack.level] - 1
    count = make_child(stack, states, stack.level, depth, board, work, evaluation)
    level = stack.level + 1
    child = states[level]
    if is_leaf(stack, child, level, depth):
        evaluate_made(evaluation, states, level, level - 1, board, stack.values)
        return False
    stack.key[level] = position_key(child)
    entry = tt_entry(stack, tt, level)
    known = stack.use_tt and entry.key == stack.key[level] and entry.search == stack.search
    if known and (entry.depth == depth or (entry.depth < depth and not entry.estimated)):
        copy_values(entry.values, stack.values)
        stack.estimated = entry.estimated
        return False
    push_node(stack, child, level, count, depth, -INFINITY, INFINITY, work)
    width = width_at(stack, depth)
    if count > width:
        order_by_evaluation(stack, states, level, child.player - 1, board, work, evaluation)
        keep_best(stack, level, width)
    return True


@compiled
def is_better(stack: SearchStack, level: int) -> bool:
    """Tell whether the player at a level prefers the values of the last child to the best so far."""
    known = stack.best_action[level]
    mover = stack.player[level] - 1
    best = stack.best_values[level]
    if known < 0 or stack.values[mover] != best[mover]:
        return bool(known < 0 or stack.values[mover] > best[mover])
    if stack.values[stack.seat] != best[stack.seat]:
        return bool(stack.values[stack.seat] < best[stack.seat])
    return bool(stack.actions[level, stack.next[level]] < known)


@compiled
def update_node(stack: SearchStack, level: int) -> None:
    """Update a node by the values of the child that has been searched."""
    for seat in range(MAX_PLAYERS):
        stack.values[seat] *= DECAY
    index = stack.next[level]
    stack.has_estimate[level] |= stack.estimated
    if is_better(stack, level):
        stack.best_action[level] = stack.actions[level, index]
        copy_values(stack.values, stack.best_values[level])
        won = stack.values[stack.player[level] - 1]
        # A win beyond the depth has come up by chance, and there may be a sooner one.
        stack.proven_win[level] = not stack.estimated and won >= SURE and won > DECAY ** (stack.depth[level] + 0.5)
    stack.next[level] += 1
    if level == 0:
        stack.scores[index] = score_of(stack.values[stack.seat])
        stack.searched += 1
        stack.decided = stack.proven_win[0]


@compiled
def advance_maxn(
    stack: SearchStack,
    states: States,
    tt: Records,
    nodes: int,
    board: BoardTables,
    work: Workspace,
    evaluation: Evaluation,
) -> bool:
    """Search on until the iteration is finished or `nodes` more are made, and return whether it is finished."""
    stop = stack.nodes + nodes
    while True:
        level = stack.level
        if stack.next[level] == stack.count[level]:
            copy_values(stack.best_values[level], stack.values)
            stack.estimated = stack.has_estimate[level] and not stack.proven_win[level]
            if stack.use_tt and level > 0:
                entry = tt_entry(stack, tt, level)
                entry.key = stack.key[level]
                entry.search = stack.search
                copy_values(stack.values, entry.values)
                entry.depth = stack.depth[level]
                entry.estimated = stack.estimated
            level -= 1
            stack.level = level
            if level < 0:
                return True
        elif stack.nodes >= stop:
            return False
        elif search_child(stack, states, tt, board, work, evaluation):
            stack.level = level + 1
            continue
        update_node(stack, level)


class MaxnSearch(IterativeDeepeningSearch):
    """Max^n search."""

    tt_entry_type = TT_ENTRY_TYPE
    advance = staticmethod(advance_maxn)

    def read_values(self, stack: SearchStack) -> F32:
        """Return the values that the root player's best action leads to."""
        values: F32 = stack["best_values"][0, : self.players].copy()
        return values
