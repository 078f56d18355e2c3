"""Alpha-beta search: the player at the root maximises its own value, all others minimise it.

For two players that is minimax. For more it is the paranoid search (Sturtevant, Korf: On pruning techniques for
multi-player games, 2000). With `best_reply` only one opponent chooses between two turns of the root player, and the
others play what looks best to themselves at one ply: BRS+ (Esser et al.: Improved best-reply search, 2013).

It is a principal variation search (null windows) with a transposition table. A game won after n decisions scores
`WON` − n, a lost one the opposite, so that sooner wins and later losses are better.
"""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np

from ringrift.game.state import GAME_OVER
from ringrift.game.types import BoardTables, States, Workspace
from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import mix64
from ringrift.kernels.types import F32, Record, Records
from ringrift.search.evaluation import Evaluation, evaluate_made
from ringrift.search.iterative_deepening import IterativeDeepeningSearch
from ringrift.search.search_stack import (
    UNIT,
    SearchStack,
    is_leaf,
    keep_best,
    make_child,
    order_by_evaluation,
    order_by_history,
    pick_next,
    position_key,
    push_node,
    put_first,
    score_of,
    tt_entry,
    update_history,
    width_at,
)

WON: Final = 3 * UNIT
PROVEN: Final = 2 * UNIT
"""Scores beyond this are wins and losses."""

# What the score of an entry is.
EXACT: Final = 0
LOWER_BOUND: Final = 1
UPPER_BOUND: Final = 2

TT_ENTRY_TYPE: Final = np.dtype(
    [
        ("key", np.uint64),
        ("search", np.int32),  # that wrote it; entries of others count as empty
        ("score", np.int32),  # with wins and losses counted from the position
        ("action", np.int32),
        ("depth", np.int16),
        ("bound", np.uint8),
        ("estimated", np.bool_),
    ],
    align=True,
)


class AlphaBetaEntry(Record, Protocol):
    """An entry of the transposition table; an element of `TT_ENTRY_TYPE`."""

    key: int
    search: int
    score: int
    action: int
    depth: int
    bound: int
    estimated: bool


@compiled
def minimises(stack: SearchStack, player: int) -> bool:
    """Tell whether a player minimises."""
    return bool(player != stack.seat + 1)


# The transposition table


@compiled
def shifted(score: int, by: int) -> int:
    """Return a score with its win or loss that many decisions later."""
    if score > PROVEN:
        return score - by
    if score < -PROVEN:
        return score + by
    return score


@compiled
def tt_cutoff(stack: SearchStack, entry: AlphaBetaEntry, level: int, depth: int, alpha: int, beta: int) -> bool:
    """Tell whether an entry spares the search of a position, whose score is then in `stack.score`."""
    if entry.key != stack.key[level] or entry.search != stack.search:
        return False
    # A deeper search has seen other leaves, which would make scores depend on the table; games that end are the same.
    if entry.depth != depth and (entry.estimated or entry.depth > depth):
        return False
    score = shifted(entry.score, level)
    if (entry.bound == LOWER_BOUND and score < beta) or (entry.bound == UPPER_BOUND and score > alpha):
        return False
    stack.score = score
    stack.exact = entry.bound == EXACT
    stack.estimated = entry.estimated
    return True


@compiled
def tt_store(stack: SearchStack, entry: AlphaBetaEntry, level: int) -> None:
    """Store what the node at a level has come to."""
    best = stack.best[level]
    entry.key = stack.key[level]
    entry.search = stack.search
    entry.score = shifted(best, -level)
    entry.action = stack.best_action[level]
    entry.depth = stack.depth[level]
    entry.bound = (
        LOWER_BOUND if best >= stack.beta[level] else UPPER_BOUND if best <= stack.initial_alpha[level] else EXACT
    )
    entry.estimated = stack.has_estimate[level]


# The search


@compiled
def score_leaf(stack: SearchStack, states: States, level: int, board: BoardTables, evaluation: Evaluation) -> None:
    """Set `stack.score` to that of the position at a level as it stands."""
    state = states[level]
    evaluate_made(evaluation, states, level, level - 1, board, stack.values)
    value = stack.values[stack.seat]
    score = score_of(value)
    if state.phase == GAME_OVER:
        if value >= 1:
            score = WON - level
        elif value <= -1:
            score = level - WON
    stack.score = -score if minimises(stack, state.player) else score
    stack.exact = True


@compiled
def order_actions(
    stack: SearchStack,
    states: States,
    tt: Records,
    level: int,
    board: BoardTables,
    work: Workspace,
    evaluation: Evaluation,
) -> None:
    """Order the actions of a new node, and prune those beyond its width."""
    player = stack.player[level]
    width = width_at(stack, stack.depth[level])
    if stack.best_reply and minimises(stack, player):
        order_by_evaluation(stack, states, level, player - 1, board, work, evaluation)
        chooses = stack.chooser[level] == 0 or stack.chooser[level] == player
        keep_best(stack, level, width if chooses else 1)
        pick_next(stack, level, 0)  # where it has to stay
        return
    if stack.count[level] > width:
        order_by_evaluation(stack, states, level, stack.seat, board, work, evaluation)
        keep_best(stack, level, width)
    if stack.use_history:
        order_by_history(stack, level)
    else:
        for i in range(stack.count[level]):
            stack.order[level, i] = 0
    entry = tt_entry(stack, tt, level)
    if stack.use_tt and entry.key == stack.key[level] and entry.search == stack.search:
        put_first(stack, level, entry.action)


@compiled
def search_child(
    stack: SearchStack, states: States, tt: Records, board: BoardTables, work: Workspace, evaluation: Evaluation
) -> bool:
    """Make the next child of the node at the end of the stack, and return whether it has to be searched.

    If not, `stack.score` is its score.
    """
    level = stack.level
    index = stack.next[level]
    player = stack.player[level]
    replies = stack.best_reply and minimises(stack, player)
    if not stack.re_search[level]:
        if level > 0 and not (replies and index == 0):
            pick_next(stack, level, index)
        stack.null_window[level] = stack.use_pvs and index > 0 and stack.beta[level] > stack.alpha[level] + 1
    alpha = stack.alpha[level]
    beta = alpha + 1 if stack.null_window[level] else stack.beta[level]
    depth = stack.depth[level] - 1
    if replies and index == 0 and stack.chooser[level] != player:
        depth += 1  # to play what looks best is no choice
    count = make_child(stack, states, level, depth, board, work, evaluation)
    level += 1
    child = states[level]
    if minimises(stack, child.player) != minimises(stack, player):
        alpha, beta = -beta, -alpha
    stack.chooser[level] = 0
    if stack.best_reply and minimises(stack, child.player):
        stack.chooser[level] = player if replies and index > 0 else stack.chooser[level - 1]
    if is_leaf(stack, child, level, depth):
        score_leaf(stack, states, level, board, evaluation)
        return False
    stack.key[level] = position_key(child)
    if stack.chooser[level] != 0:
        stack.key[level] = mix64(stack.key[level] ^ np.uint64(stack.chooser[level]))
    if stack.use_tt and tt_cutoff(stack, tt_entry(stack, tt, level), level, depth, alpha, beta):
        return False
    push_node(stack, child, level, count, depth, alpha, beta, work)
    order_actions(stack, states, tt, level, board, work, evaluation)
    return True


@compiled
def update_node(stack: SearchStack, level: int, score: int) -> None:
    """Update a node by the score of the child that has been searched, from the view of who decides at the level."""
    if stack.null_window[level] and not stack.exact and stack.alpha[level] < score < stack.beta[level]:
        stack.null_window[level] = False
        stack.re_search[level] = True
        return
    stack.re_search[level] = False
    index = stack.next[level]
    stack.next[level] += 1
    stack.has_estimate[level] |= stack.estimated
    if score > stack.best[level]:
        stack.best[level] = score
        stack.best_action[level] = stack.actions[level, index]
    if level == 0:
        stack.scores[index] = score
        stack.searched += 1
        stack.decided = abs(stack.best[0]) >= WON - stack.depth[0]
        score -= stack.margin
    stack.alpha[level] = max(stack.alpha[level], score)
    if stack.alpha[level] >= stack.beta[level]:
        update_history(stack, level)
        stack.next[level] = stack.count[level]


@compiled
def advance(
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
            if level > 0 and stack.use_tt:
                tt_store(stack, tt_entry(stack, tt, level), level)
            stack.score = stack.best[level]
            stack.estimated = stack.has_estimate[level]
            stack.exact = False
            level -= 1
            stack.level = level
            if level < 0:
                return True
        elif stack.nodes >= stop:
            return False
        elif search_child(stack, states, tt, board, work, evaluation):
            stack.level = level + 1
            continue
        together = minimises(stack, stack.player[level]) == minimises(stack, states[level + 1].player)
        update_node(stack, level, stack.score if together else -stack.score)


class AlphaBetaSearch(IterativeDeepeningSearch):
    """A search in which the root player plays against all others together."""

    tt_entry_type = TT_ENTRY_TYPE
    advance = staticmethod(advance)

    def read_values(self, stack: SearchStack) -> F32:
        """Return the root player's value by seat; the others have the opposite, in equal parts."""
        value = min(max(int(stack["best"][0]) / UNIT, -1.0), 1.0)
        values = np.full(self.players, -value / (self.players - 1), np.float32)
        values[stack["seat"]] = value
        return values


class MinimaxSearch(AlphaBetaSearch):
    """Minimax search for two players."""


class ParanoidSearch(AlphaBetaSearch):
    """Paranoid search for three and four players: the root player against all others."""


class BestReplySearch(AlphaBetaSearch):
    """Best-reply search: the root player against the one of the others who hurts most."""

    def configure(self, stack: SearchStack) -> None:
        """Write the settings of the search."""
        super().configure(stack)
        stack["best_reply"] = True
