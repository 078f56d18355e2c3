"""The search stack of the depth-first searches, in place of recursion, and the order of actions on it.

Because the stack is data, a search stops after any node and goes on later. A node is a position in which somebody has a
choice: forced actions are played on the way to it and cost no depth. Who decides stands in the state, because a turn is
several actions.

A leaf never lies inside a capture, a line, a claim or a payment: these are played out beyond the depth, for up to
`QUIESCENCE` decisions. It is judged at the start of a turn, without asking what may be played there: finding that costs
more than all the rest.

Actions are tried in the order of what has refuted others, here (killers) or anywhere (history). To evaluate all
children first and order them by that was measured to take 1.5 times as long for the same depth.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final, Protocol

import numpy as np

from ringrift.game.actions import policy_size
from ringrift.game.boards import MAX_PLAYERS, Board
from ringrift.game.state import GAME_OVER, MOVEMENT, OWES_NOTHING, RING_PLACEMENT, state_hash
from ringrift.game.turn import legal_actions, play_forced, step
from ringrift.game.types import BoardTables, State, States, Workspace
from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import mix64
from ringrift.kernels.types import F32, I32, U8, U64, Record, Records
from ringrift.search.evaluation import Evaluation, evaluate_made, note_made

MAX_LEVELS: Final = 64
"""Decisions from the root to the end of the longest stack, where every position is a leaf."""
MAX_DEPTH: Final = MAX_LEVELS - 1
QUIESCENCE: Final = 8
"""Decisions beyond the depth for which captures, lines, claims and payments are played out: wins 57 % of 300 games on
square8 and 53 % on hex8 against none, at 5,000 nodes each."""
QUIET_WIDTH: Final = 4
"""Actions that the first of them looks at, the best by evaluation; every next one looks at half as many. A chain of
captures has dozens of ways on the large boards, and to follow all of them wins no more games."""
ALL: Final = 1 << 30
WIDTHS: Final = {"square8": ALL, "hex8": ALL, "square19": 64, "hexagonal": 64}
"""Actions that a node above the last decision looks at, the best by evaluation. On the small boards a limit loses (24
actions win 22 % of 160 games on square8 and 37 % on hex8, 48 win 40 % and 44 %, with 5,000 nodes each), because a
placement shows its worth only with the move that follows. On the large ones, where up to 1,400 actions would keep a
search at depth 1, limits from 24 to 192 play alike."""
KILLERS: Final = 2

UNIT: Final = 1 << 20
"""Scores are whole numbers: this is a value of 1."""
INFINITY: Final = 4 * UNIT


@cache
def search_stack_type(board: Board) -> np.dtype[np.void]:
    """The structured dtype of a search of one thread: settings, counters, and the stack, `[MAX_LEVELS]`."""
    return np.dtype(
        [
            # Settings
            ("use_tt", np.bool_),  # whether the transposition table is used …
            ("use_history", np.bool_),  # … killers and history …
            ("use_pvs", np.bool_),  # … and null windows
            ("best_reply", np.bool_),
            ("width", np.int32),  # see WIDTHS
            ("margin", np.int32),  # actions of the root get exact scores up to that much below the best
            # Counters
            ("search", np.int32),  # number of the search, by which the table knows its own entries
            ("seat", np.int32),  # of the player at the root, from 0
            ("nodes", np.int64),  # positions made so far
            ("legal", np.int32),  # actions of the root
            ("searched", np.int32),  # … that this iteration has searched
            ("decided", np.bool_),  # the root is won or lost, and no sooner end can be found deeper
            ("level", np.int32),  # end of the stack; −1 when the iteration is finished
            # What the last node came to
            ("score", np.int32),  # from the view of who decides there
            ("values", np.float32, (MAX_PLAYERS,)),  # by seat
            ("exact", np.bool_),  # not a bound
            ("estimated", np.bool_),  # rests on an evaluation, not on finished games alone
            # The stack
            ("key", np.uint64, (MAX_LEVELS,)),
            ("player", np.int32, (MAX_LEVELS,)),
            ("depth", np.int32, (MAX_LEVELS,)),  # decisions left; 0 and less in quiescence
            ("count", np.int32, (MAX_LEVELS,)),  # actions
            ("next", np.int32, (MAX_LEVELS,)),  # index of the one that is being searched
            ("alpha", np.int32, (MAX_LEVELS,)),
            ("beta", np.int32, (MAX_LEVELS,)),
            ("initial_alpha", np.int32, (MAX_LEVELS,)),  # alpha at the beginning
            ("best", np.int32, (MAX_LEVELS,)),
            ("best_action", np.int32, (MAX_LEVELS,)),  # −1 before the first
            ("best_values", np.float32, (MAX_LEVELS, MAX_PLAYERS)),
            ("proven_win", np.uint8, (MAX_LEVELS,)),  # they are a win for who decides, without an evaluation
            ("has_estimate", np.uint8, (MAX_LEVELS,)),  # rests on an evaluation
            ("null_window", np.uint8, (MAX_LEVELS,)),  # the action is being searched with a null window …
            ("re_search", np.uint8, (MAX_LEVELS,)),  # … or once more, with the open one
            ("chooser", np.int32, (MAX_LEVELS,)),  # best reply: the opponent who has chosen since the root, 0 = none
            ("actions", np.int32, (MAX_LEVELS, board.max_actions)),
            ("order", np.int32, (MAX_LEVELS, board.max_actions)),  # the higher, the earlier
            ("killers", np.int32, (MAX_LEVELS, KILLERS)),
            ("history", np.int32, (MAX_PLAYERS, policy_size(board))),
            ("scores", np.int32, (board.max_actions,)),  # of the root's actions, in the order of `actions[0]`
        ],
        align=True,
    )


class SearchStack(Record, Protocol):
    """The search of one thread; an element of `search_stack_type`."""

    use_tt: bool
    use_history: bool
    use_pvs: bool
    best_reply: bool
    width: int
    margin: int
    search: int
    seat: int
    nodes: int
    legal: int
    searched: int
    decided: bool
    level: int
    score: int
    values: F32
    exact: bool
    estimated: bool
    key: U64
    player: I32
    depth: I32
    count: I32
    next: I32
    alpha: I32
    beta: I32
    initial_alpha: I32
    best: I32
    best_action: I32
    best_values: F32
    proven_win: U8
    has_estimate: U8
    null_window: U8
    re_search: U8
    chooser: I32
    actions: I32
    order: I32
    killers: I32
    history: I32
    scores: I32


@compiled
def score_of(value: float) -> int:
    """Return a value as a score."""
    return int(np.rint(value * np.float32(UNIT)))


@compiled
def position_key(state: State) -> np.uint64:
    """Return a key, the same for positions with equal futures: the ranking asks when each player lost its last ring."""
    key = state_hash(state)
    for seat in range(MAX_PLAYERS):
        if state.lost_turn[seat] != 0:
            key ^= mix64(np.uint64(state.lost_turn[seat]) + np.uint64(seat) * np.uint64(0xD6E8_FEB8_6659_FD93))
    return key


@compiled
def tt_entry(stack: SearchStack, tt: Records, level: int) -> Any:
    """Return the entry of the transposition table for the position at a level."""
    return tt[np.int64(stack.key[level] % np.uint64(len(tt)))]


# Moving


@compiled
def is_quiet(state: State) -> bool:
    """Tell whether nothing is being captured, collapsed, claimed or paid."""
    return bool((state.phase == RING_PLACEMENT or state.phase == MOVEMENT) and state.owed == OWES_NOTHING)


@compiled
def play_to_quiet(state: State, board: BoardTables, work: Workspace) -> int:
    """Play on through forced actions, at most to a quiet position.

    Returns the number of legal actions, in `work.actions`, where there is a choice before that; else 0.
    """
    while not is_quiet(state) and state.phase != GAME_OVER:
        count = legal_actions(state, board, work, work.actions)
        if count != 1:
            return int(count)
        step(state, work.actions[0], board, work)
    return 0


@compiled
def make_child(
    stack: SearchStack,
    states: States,
    level: int,
    depth: int,
    board: BoardTables,
    work: Workspace,
    evaluation: Evaluation,
) -> int:
    """Play the next action of the node at a level, after which `depth` decisions are left.

    Returns the number of actions there, in `work.actions`; 0 in a leaf.
    """
    states[level + 1] = states[level]
    child = states[level + 1]
    step(child, stack.actions[level, stack.next[level]], board, work)
    stack.nodes += 1
    note_made(evaluation, level + 1)
    count = play_to_quiet(child, board, work)
    if count == 0 and depth > 0:
        play_forced(child, board, work)
        count = legal_actions(child, board, work, work.actions)
    return count


@compiled
def is_leaf(stack: SearchStack, state: State, level: int, depth: int) -> bool:
    """Tell whether a position is a leaf; `stack.estimated` then says whether that takes an evaluation."""
    over = state.phase == GAME_OVER
    stack.estimated = not over
    return over or level == MAX_LEVELS - 1 or (depth <= 0 and (depth <= -QUIESCENCE or is_quiet(state)))


@compiled
def push_node(
    stack: SearchStack, state: State, level: int, count: int, depth: int, alpha: int, beta: int, work: Workspace
) -> None:
    """Make a position, whose `count` actions are in `work.actions`, the end of the stack."""
    stack.player[level] = state.player
    stack.depth[level] = depth
    stack.count[level] = count
    stack.has_estimate[level] = False
    for i in range(count):
        stack.actions[level, i] = work.actions[i]
    set_window(stack, level, alpha, beta)


@compiled
def set_window(stack: SearchStack, level: int, alpha: int, beta: int) -> None:
    """Set the window of a node, and start with its first action."""
    stack.alpha[level] = alpha
    stack.beta[level] = beta
    stack.initial_alpha[level] = alpha
    stack.best[level] = -INFINITY
    stack.best_action[level] = -1
    stack.proven_win[level] = False
    stack.next[level] = 0
    stack.null_window[level] = False
    stack.re_search[level] = False


# Ordering


@compiled
def pick_next(stack: SearchStack, level: int, first: int) -> None:
    """Swap the next action to search, the first in order among those from `first` on, to that place."""
    best = first
    for i in range(first + 1, stack.count[level]):
        if stack.order[level, i] > stack.order[level, best]:
            best = i
    if best != first:
        actions, order = stack.actions[level], stack.order[level]
        actions[first], actions[best] = actions[best], actions[first]
        order[first], order[best] = order[best], order[first]


@compiled
def put_first(stack: SearchStack, level: int, action: int) -> None:
    """Put an action, if the node has it, before all others."""
    for i in range(stack.count[level]):
        if stack.actions[level, i] == action:
            stack.order[level, i] = INFINITY + 1


@compiled
def order_by_history(stack: SearchStack, level: int) -> None:
    """Order the actions of a node by killers and history: by what has refuted others."""
    seat = stack.player[level] - 1
    for i in range(stack.count[level]):
        action = stack.actions[level, i]
        order = stack.history[seat, action]
        for k in range(KILLERS):
            if stack.killers[level, k] == action:
                order = INFINITY - k
        stack.order[level, i] = order


@compiled
def update_history(stack: SearchStack, level: int) -> None:
    """Remember the best action of a node, which has refuted what led there, as killer and in the history."""
    action = stack.best_action[level]
    stack.history[stack.player[level] - 1, action] += max(stack.depth[level], 1) ** 2
    if stack.killers[level, 0] != action:
        for k in range(KILLERS - 1, 0, -1):
            stack.killers[level, k] = stack.killers[level, k - 1]
        stack.killers[level, 0] = action


@compiled
def order_by_evaluation(
    stack: SearchStack,
    states: States,
    level: int,
    view: int,
    board: BoardTables,
    work: Workspace,
    evaluation: Evaluation,
) -> None:
    """Order the actions of a node by the value, for seat `view`, of what each leads to.

    The best for that seat come first if it decides, else the worst.
    """
    own = view == stack.player[level] - 1
    for i in range(stack.count[level]):
        states[MAX_LEVELS] = states[level]
        spare = states[MAX_LEVELS]
        step(spare, stack.actions[level, i], board, work)
        play_to_quiet(spare, board, work)
        evaluate_made(evaluation, states, MAX_LEVELS, level, board, stack.values)
        score = score_of(stack.values[view])
        stack.order[level, i] = score if own else -score
    stack.nodes += stack.count[level]


@compiled
def width_at(stack: SearchStack, depth: int) -> int:
    """Return how many actions a node with `depth` decisions left looks at: all at the last, where they are leaves."""
    if depth > 0:
        return ALL if depth == 1 else int(stack.width)
    return max(1, QUIET_WIDTH >> -depth)


@compiled
def keep_best(stack: SearchStack, level: int, width: int) -> None:
    """Prune all actions of a node but the first `width` in order."""
    if stack.count[level] > width:
        for i in range(width):
            pick_next(stack, level, i)
        stack.count[level] = width
        stack.has_estimate[level] = True


# The root


@compiled
def init_root(stack: SearchStack, states: States, board: BoardTables, work: Workspace, evaluation: Evaluation) -> None:
    """Start a search at `states[0]`; nothing is left of the one before."""
    state = states[0]
    note_made(evaluation, 0)
    stack.search += 1
    stack.nodes = 0
    stack.history[:] = 0
    stack.killers[:] = -1
    stack.seat = state.player - 1
    stack.chooser[0] = 0
    stack.legal = legal_actions(state, board, work, work.actions)
    push_node(stack, state, 0, stack.legal, 0, -INFINITY, INFINITY, work)
    stack.scores[:] = 0


@compiled
def begin_iteration(stack: SearchStack, depth: int) -> None:
    """Begin an iteration of that depth."""
    legal = stack.legal
    stack.level = 0
    stack.searched = 0
    stack.decided = False
    stack.depth[0] = depth
    stack.count[0] = min(legal, width_at(stack, depth))
    stack.has_estimate[0] = stack.count[0] < legal
    set_window(stack, 0, -INFINITY, INFINITY)


def order_root(stack: SearchStack) -> None:
    """Put the root's actions in the order of their scores in the last iteration."""
    legal = slice(stack["legal"])
    order = np.argsort(-stack["scores"][legal], kind="stable")
    stack["actions"][0, legal] = stack["actions"][0, legal][order]
    stack["scores"][legal] = stack["scores"][legal][order]


@compiled
def copy_values(source: F32, target: F32) -> None:
    """Copy the values of all seats."""
    for seat in range(MAX_PLAYERS):
        target[seat] = source[seat]


@compiled
def read_scores(stack: SearchStack, actions: I32, scores: I32) -> None:
    """Write the scores of the root's actions into `scores`, in the order of `actions`."""
    for i in range(len(actions)):
        for k in range(stack.legal):
            if stack.actions[0, k] == actions[i]:
                scores[i] = stack.scores[k]
                break
