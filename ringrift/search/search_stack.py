"""The common ground of the depth-first searches: the path from the root, in place of recursion, and the order on it.

Because the path is data, a search stops after any node and goes on later. A node is a position in which somebody has a
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
from typing import Any, Final

import numpy as np

from ringrift.game.actions import policy_size
from ringrift.game.boards import MAX_PLAYERS, Board
from ringrift.game.state import GAME_OVER, MOVEMENT, OWES_NOTHING, RING_PLACEMENT, state_hash
from ringrift.game.turn import legal_actions, play_forced, step
from ringrift.heuristic import evaluate
from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import mix64

LEVELS: Final = 64
"""Longest path, in decisions; what lies at its end is a leaf."""
DEEPEST: Final = LEVELS - 1
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
def path_type(board: Board) -> np.dtype[np.void]:
    """The structured dtype of a search of one thread: settings, counters, and the path, `[LEVELS]`."""
    return np.dtype(
        [
            # Settings
            ("remembers", np.bool_),  # whether the table of positions is used …
            ("learns", np.bool_),  # … killers and history …
            ("scouts", np.bool_),  # … and null windows
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
            ("level", np.int32),  # end of the path; −1 when the iteration is finished
            # What the last node came to
            ("score", np.int32),  # from the view of who decides there
            ("values", np.float32, (MAX_PLAYERS,)),  # by seat
            ("exact", np.bool_),  # not a bound
            ("guessed", np.bool_),  # rests on an evaluation, not on finished games alone
            # The path
            ("key", np.uint64, (LEVELS,)),
            ("player", np.int32, (LEVELS,)),
            ("depth", np.int32, (LEVELS,)),  # decisions left; 0 and less in quiescence
            ("count", np.int32, (LEVELS,)),  # actions
            ("next", np.int32, (LEVELS,)),  # index of the one that is being searched
            ("alpha", np.int32, (LEVELS,)),
            ("beta", np.int32, (LEVELS,)),
            ("bound", np.int32, (LEVELS,)),  # alpha at the beginning
            ("best", np.int32, (LEVELS,)),
            ("best_action", np.int32, (LEVELS,)),  # −1 before the first
            ("best_values", np.float32, (LEVELS, MAX_PLAYERS)),
            ("sure", np.uint8, (LEVELS,)),  # they are a win for who decides, without an evaluation
            ("open", np.uint8, (LEVELS,)),  # rests on an evaluation
            ("scouting", np.uint8, (LEVELS,)),  # the action is being searched with a null window …
            ("again", np.uint8, (LEVELS,)),  # … or once more, with the open one
            ("chooser", np.int32, (LEVELS,)),  # best reply: the opponent who has chosen since the root, 0 = none
            ("actions", np.int32, (LEVELS, board.max_actions)),
            ("order", np.int32, (LEVELS, board.max_actions)),  # the higher, the earlier
            ("killers", np.int32, (LEVELS, KILLERS)),
            ("history", np.int32, (MAX_PLAYERS, policy_size(board))),
            ("scores", np.int32, (board.max_actions,)),  # of the root's actions, in the order of `actions[0]`
        ],
        align=True,
    )


@compiled
def score_of(value: float) -> int:
    """A value as a score."""
    return int(np.rint(value * np.float32(UNIT)))


@compiled
def position_key(state: Any) -> np.uint64:
    """Equal for positions with the same continuations and outcomes: the ranking asks who lost the last ring when."""
    key = state_hash(state)
    for seat in range(MAX_PLAYERS):
        if state.lost_turn[seat] != 0:
            key ^= mix64(np.uint64(state.lost_turn[seat]) + np.uint64(seat) * np.uint64(0xD6E8_FEB8_6659_FD93))
    return key


@compiled
def entry_at(path: Any, table: Any, level: int) -> Any:
    """The place in a table of positions for the one at a level."""
    return table[np.int64(path.key[level] % np.uint64(len(table)))]


# Walking


@compiled
def is_quiet(state: Any) -> bool:
    """Whether nothing is being captured, collapsed, claimed or paid."""
    return bool((state.phase == RING_PLACEMENT or state.phase == MOVEMENT) and state.owed == OWES_NOTHING)


@compiled
def settle(state: Any, board: Any, work: Any) -> int:
    """Play on through forced actions, at most to a quiet position.

    The number of legal actions, in `work.actions`, where there is a choice before that; else 0.
    """
    while not is_quiet(state) and state.phase != GAME_OVER:
        count = legal_actions(state, board, work, work.actions)
        if count != 1:
            return int(count)
        step(state, work.actions[0], board, work)
    return 0


@compiled
def make_child(path: Any, states: Any, level: int, depth: int, board: Any, work: Any) -> int:
    """Play the next action of the node at a level, after which `depth` decisions are left.

    The number of actions there, in `work.actions`; 0 in a leaf.
    """
    states[level + 1] = states[level]
    child = states[level + 1]
    step(child, path.actions[level, path.next[level]], board, work)
    path.nodes += 1
    count = settle(child, board, work)
    if count == 0 and depth > 0:
        count = play_forced(child, board, work)
    return count


@compiled
def is_leaf(path: Any, state: Any, level: int, depth: int) -> bool:
    """Whether a position is judged as it stands; `path.guessed` then says whether that takes an evaluation."""
    over = state.phase == GAME_OVER
    path.guessed = not over
    return over or level == LEVELS - 1 or (depth <= 0 and (depth <= -QUIESCENCE or is_quiet(state)))


@compiled
def open_node(path: Any, state: Any, level: int, count: int, depth: int, alpha: int, beta: int, work: Any) -> None:
    """Make a position, whose `count` actions are in `work.actions`, the end of the path."""
    path.player[level] = state.player
    path.depth[level] = depth
    path.count[level] = count
    path.open[level] = False
    for i in range(count):
        path.actions[level, i] = work.actions[i]
    set_window(path, level, alpha, beta)


@compiled
def set_window(path: Any, level: int, alpha: int, beta: int) -> None:
    """Start with the first action of a node."""
    path.alpha[level] = alpha
    path.beta[level] = beta
    path.bound[level] = alpha
    path.best[level] = -INFINITY
    path.best_action[level] = -1
    path.sure[level] = False
    path.next[level] = 0
    path.scouting[level] = False
    path.again[level] = False


# Ordering


@compiled
def bring_forward(path: Any, level: int, first: int) -> None:
    """Swap the action that comes first among those from `first` on to that place."""
    best = first
    for i in range(first + 1, path.count[level]):
        if path.order[level, i] > path.order[level, best]:
            best = i
    if best != first:
        actions, order = path.actions[level], path.order[level]
        actions[first], actions[best] = actions[best], actions[first]
        order[first], order[best] = order[best], order[first]


@compiled
def put_first(path: Any, level: int, action: int) -> None:
    """Let an action, if the node has it, come before all others."""
    for i in range(path.count[level]):
        if path.actions[level, i] == action:
            path.order[level, i] = INFINITY + 1


@compiled
def order_by_refutations(path: Any, level: int) -> None:
    """Order the actions of a node by what has refuted others."""
    seat = path.player[level] - 1
    for i in range(path.count[level]):
        action = path.actions[level, i]
        order = path.history[seat, action]
        for k in range(KILLERS):
            if path.killers[level, k] == action:
                order = INFINITY - k
        path.order[level, i] = order


@compiled
def note_refutation(path: Any, level: int) -> None:
    """Remember the best action of a node, which has refuted what led there."""
    action = path.best_action[level]
    path.history[path.player[level] - 1, action] += max(path.depth[level], 1) ** 2
    if path.killers[level, 0] != action:
        for k in range(KILLERS - 1, 0, -1):
            path.killers[level, k] = path.killers[level, k - 1]
        path.killers[level, 0] = action


@compiled
def order_by_evaluation(
    path: Any, states: Any, level: int, view: int, board: Any, work: Any, weights: Any, scratch: Any
) -> None:
    """Order the actions of a node by the value, for seat `view`, of what each leads to.

    The best for that seat come first if it decides, else the worst.
    """
    own = view == path.player[level] - 1
    for i in range(path.count[level]):
        states[LEVELS] = states[level]
        spare = states[LEVELS]
        step(spare, path.actions[level, i], board, work)
        settle(spare, board, work)
        evaluate(spare, board, weights, scratch, path.values)
        score = score_of(path.values[view])
        path.order[level, i] = score if own else -score
    path.nodes += path.count[level]


@compiled
def width_at(path: Any, depth: int) -> int:
    """How many actions a node with so many decisions left looks at: all at the last one, where they are leaves."""
    if depth > 0:
        return ALL if depth == 1 else int(path.width)
    return max(1, QUIET_WIDTH >> -depth)


@compiled
def keep_best(path: Any, level: int, width: int) -> None:
    """Hold a node to so many actions, those that come first."""
    if path.count[level] > width:
        for i in range(width):
            bring_forward(path, level, i)
        path.count[level] = width
        path.open[level] = True


# The root


@compiled
def plant(path: Any, states: Any, board: Any, work: Any) -> None:
    """Start a search at `states[0]`; nothing is left of the one before."""
    state = states[0]
    path.search += 1
    path.nodes = 0
    path.history[:] = 0
    path.killers[:] = -1
    path.seat = state.player - 1
    path.chooser[0] = 0
    path.legal = legal_actions(state, board, work, work.actions)
    open_node(path, state, 0, path.legal, 0, -INFINITY, INFINITY, work)
    path.scores[:] = 0


@compiled
def begin(path: Any, depth: int) -> None:
    """Begin an iteration of that depth."""
    legal = path.legal
    path.level = 0
    path.searched = 0
    path.decided = False
    path.depth[0] = depth
    path.count[0] = min(legal, width_at(path, depth))
    path.open[0] = path.count[0] < legal
    set_window(path, 0, -INFINITY, INFINITY)


def order_root(path: Any) -> None:
    """Put the root's actions in the order of their scores in the last iteration."""
    legal = slice(path["legal"])
    order = np.argsort(-path["scores"][legal], kind="stable")
    path["actions"][0, legal] = path["actions"][0, legal][order]
    path["scores"][legal] = path["scores"][legal][order]


@compiled
def copy_values(source: Any, target: Any) -> None:
    """Copy the values of all seats."""
    for seat in range(MAX_PLAYERS):
        target[seat] = source[seat]


@compiled
def read_scores(path: Any, actions: Any, scores: Any) -> None:
    """Write the scores of the root's actions into `scores`, in the order of `actions`."""
    for i in range(len(actions)):
        for k in range(path.legal):
            if path.actions[0, k] == actions[i]:
                scores[i] = path.scores[k]
                break
