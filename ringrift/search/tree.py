"""The sparse tree that the searches share: many games' trees side by side in flat arenas, never a dense one.

A node is a position in which somebody has a choice: forced actions are played on the way to it. Per node the tree holds
its legal actions only, as edges in one arena per game (first edge, count). Values are vectors, one number per seat,
because a turn is several actions: who decides at a node stands in its state, never in the parity of the depth.

A simulation has two halves, with the evaluator between them. A search walks from the root to a leaf, which `grow_leaf`
makes; `settle` gives the leaf its answer and backs it up. The answers to one batch are settled on the way into the next
walk, so that the games are gone through once per simulation.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ringrift.game.boards import MAX_PLAYERS
from ringrift.kernels.compiled import compiled
from ringrift.search.game_adapter import GameAdapter, legal_actions, outcome, step

NO_CHILD: Final = -1
NOTHING: Final = -1

# What a node is.
OPEN: Final = 0  # has edges
TERMINAL: Final = 1  # the game is over there
CUT_OFF: Final = 2  # the edge arena was full: keeps its first value for ever

NODE_TYPE: Final = np.dtype(
    [
        ("first_edge", np.int32),
        ("edges", np.int32),
        ("parent", np.int32),  # −1 at the root
        ("parent_edge", np.int32),  # which of the parent's edges, from 0
        ("visits", np.int32),
        ("player", np.int32),  # seat that decides, from 1
        ("kind", np.int32),
        ("value", np.float32, (MAX_PLAYERS,)),  # of the evaluator or the outcome, by seat
    ],
    align=True,
)

EDGE_TYPE: Final = np.dtype(
    [
        ("action", np.int32),
        ("child", np.int32),
        ("visits", np.int32),
        ("prior", np.float32),
        ("logit", np.float32),  # the logarithm of the prior
        ("value", np.float32, (MAX_PLAYERS,)),  # summed over the visits, by seat
    ],
    align=True,
)

Array = np.ndarray[Any, np.dtype[Any]]


class Trees(NamedTuple):
    """Arenas for the trees of many games; one slot each."""

    nodes: Array
    """`[slots, nodes]`"""
    states: Array
    """`[slots, nodes]`"""
    edges: Array
    """`[slots, edges]`"""
    used_nodes: Array
    """`[slots]`, nodes in use."""
    used_edges: Array
    leaves: Array
    """`[slots]`, the node that waits to be settled, or `NOTHING`."""
    rows: Array
    """`[slots]`, where the evaluator's answer to that leaf stands in the batch, or `NOTHING` if it needs none."""


class Answers(NamedTuple):
    """An evaluator's answers to one batch."""

    offsets: npt.NDArray[np.int64]
    """`[batch + 1]`, where the actions of each leaf begin."""
    logits: npt.NDArray[np.float32]
    """`[L]`, of the legal actions."""
    values: npt.NDArray[np.float32]
    """`[batch, players]`, by seat."""


def no_answers(players: int) -> Answers:
    """The answers to an empty batch."""
    return Answers(np.zeros(1, np.int64), np.empty(0, np.float32), np.empty((0, players), np.float32))


def new_trees(adapter: GameAdapter, slots: int, nodes: int) -> Trees:
    """Arenas for that many games and nodes per game."""
    edges = min(nodes * adapter.edges_per_node + 2 * adapter.max_actions, nodes * adapter.max_actions)
    return Trees(
        np.zeros((slots, nodes), NODE_TYPE),
        np.zeros((slots, nodes), adapter.state_type),
        np.zeros((slots, edges), EDGE_TYPE),
        np.zeros(slots, np.int32),
        np.zeros(slots, np.int32),
        np.full(slots, NOTHING, np.int32),
        np.full(slots, NOTHING, np.int32),
    )


def bytes_per_node(trees: Trees) -> float:
    """Memory in use per node, with its state and its edges."""
    nodes, edges = int(trees.used_nodes.sum()), int(trees.used_edges.sum())
    return trees.nodes.itemsize + trees.states.itemsize + trees.edges.itemsize * edges / nodes


@compiled
def open_node(trees: Any, game: int, node: int, board: Any, work: Any) -> bool:
    """Fill a new node from its state, below the root playing forced actions first; whether it needs the evaluator."""
    state = trees.states[game, node]
    count = legal_actions(state, board, work, work.actions)
    while count == 1 and node != 0:
        step(state, work.actions[0], board, work)
        count = legal_actions(state, board, work, work.actions)
    row = trees.nodes[game, node]
    row.visits = 0
    row.edges = 0
    row.first_edge = trees.used_edges[game]
    row.player = state.player
    if count == 0:
        row.kind = TERMINAL
        outcome(state, row.value)
        return False
    if trees.used_edges[game] + count > trees.edges.shape[1]:
        row.kind = CUT_OFF
        return True
    row.kind = OPEN
    row.edges = count
    for i in range(count):
        edge = trees.edges[game, row.first_edge + i]
        edge.action = work.actions[i]
        edge.child = NO_CHILD
        edge.visits = 0
        for seat in range(MAX_PLAYERS):
            edge.value[seat] = 0
    trees.used_edges[game] += count
    return True


@compiled
def wait_for(trees: Any, game: int, node: int, needs_evaluator: bool) -> None:
    """Note a leaf to be settled; `lay_out` gives it a row of the batch."""
    trees.leaves[game] = node
    trees.rows[game] = 0 if needs_evaluator else NOTHING


@compiled
def plant_root(trees: Any, game: int, board: Any, work: Any) -> None:
    """Start a tree anew from `trees.states[game, 0]`."""
    trees.used_nodes[game] = 1
    trees.used_edges[game] = 0
    trees.nodes[game, 0].parent = NOTHING
    wait_for(trees, game, 0, open_node(trees, game, 0, board, work))


@compiled
def grow_leaf(trees: Any, game: int, node: int, edge: int, board: Any, work: Any) -> None:
    """Make the child of an edge, a leaf to be settled."""
    child = trees.used_nodes[game]
    trees.used_nodes[game] += 1
    trees.edges[game, edge].child = child
    trees.states[game, child] = trees.states[game, node]
    step(trees.states[game, child], trees.edges[game, edge].action, board, work)
    trees.nodes[game, child].parent = node
    trees.nodes[game, child].parent_edge = edge - trees.nodes[game, node].first_edge
    wait_for(trees, game, child, open_node(trees, game, child, board, work))


@compiled
def lay_out(trees: Any, games: Any, offsets: Any) -> int:
    """Give the leaves that need the evaluator their rows of a batch and the `offsets` of their actions; how many."""
    rows = 0
    for game in games:
        if trees.leaves[game] != NOTHING and trees.rows[game] != NOTHING:
            trees.rows[game] = rows
            offsets[rows + 1] = offsets[rows] + trees.nodes[game, trees.leaves[game]].edges
            rows += 1
    return rows


@compiled
def gather(trees: Any, games: Any, first: int, last: int, offsets: Any, states: Any, actions: Any) -> None:
    """Copy the leaves of `games[first … last−1]` that need the evaluator, and their actions, into the batch."""
    for game in games[first:last]:
        row = trees.rows[game]
        leaf = trees.leaves[game]
        if leaf == NOTHING or row == NOTHING:
            continue
        states[row] = trees.states[game, leaf]
        start = trees.nodes[game, leaf].first_edge
        for i in range(offsets[row + 1] - offsets[row]):
            actions[offsets[row] + i] = trees.edges[game, start + i].action


@compiled
def settle(trees: Any, game: int, answers: Any) -> None:
    """Give the leaf of a game, if there is one, its priors and values, and back it up."""
    leaf = trees.leaves[game]
    if leaf == NOTHING:
        return
    row = trees.rows[game]
    if row != NOTHING:
        node = trees.nodes[game, leaf]
        for seat in range(answers.values.shape[1]):
            node.value[seat] = answers.values[row, seat]
        set_priors(trees, game, node.first_edge, answers.logits[answers.offsets[row] : answers.offsets[row + 1]])
    back_up(trees, game, leaf)
    trees.leaves[game] = NOTHING


@compiled
def set_priors(trees: Any, game: int, first_edge: int, logits: Any) -> None:
    """Write the priors that the logits stand for into the edges of a node."""
    if len(logits) == 0:
        return
    highest = logits[0]
    for logit in logits:
        highest = max(highest, logit)
    total = 0.0
    for i in range(len(logits)):
        share = np.exp(logits[i] - highest)
        trees.edges[game, first_edge + i].prior = share
        total += share
    log_total = highest + np.log(total)
    for i in range(len(logits)):
        edge = trees.edges[game, first_edge + i]
        edge.prior /= total
        edge.logit = logits[i] - log_total


@compiled
def back_up(trees: Any, game: int, leaf: int) -> None:
    """Add the value of a leaf to every edge on the way to it, and a visit to every node."""
    node = leaf
    while True:
        trees.nodes[game, node].visits += 1
        parent = trees.nodes[game, node].parent
        if parent == NOTHING:
            return
        edge = trees.edges[game, trees.nodes[game, parent].first_edge + trees.nodes[game, node].parent_edge]
        edge.visits += 1
        for seat in range(MAX_PLAYERS):
            edge.value[seat] += trees.nodes[game, leaf].value[seat]
        node = parent


@compiled
def find_node(trees: Any, game: int, ply: int, wanted: Any, images: Any) -> int:
    """The node whose state consists of the `wanted` bytes; `images` `[slots, nodes, bytes]` are those of all states."""
    for node in range(trees.used_nodes[game]):
        # Nearly all nodes of another state are of another ply, or differ early.
        if trees.nodes[game, node].kind == OPEN and trees.states[game, node].ply == ply:
            place = 0
            while place < len(wanted) and images[game, node, place] == wanted[place]:
                place += 1
            if place == len(wanted):
                return int(node)
    return NOTHING


@compiled
def reroot(trees: Any, game: int, root: int, kept: Any) -> None:
    """Make a node the root and keep what is below it; `kept` `[nodes]` is scratch memory.

    Nodes and their edges were made later than those above them, so the rest moves to the front of the arenas in one
    pass.
    """
    nodes, edges = trees.nodes[game], trees.edges[game]
    used_nodes = 0
    used_edges = 0
    for node in range(trees.used_nodes[game]):
        parent = nodes[node].parent
        kept[node] = NOTHING
        if node != root and (parent == NOTHING or kept[parent] == NOTHING):
            continue
        kept[node] = used_nodes
        moved = nodes[used_nodes]
        if used_nodes != node:
            nodes[used_nodes] = nodes[node]
            trees.states[game, used_nodes] = trees.states[game, node]
        if node == root:
            moved.parent = NOTHING
        else:
            moved.parent = kept[parent]
            edges[nodes[kept[parent]].first_edge + moved.parent_edge].child = used_nodes
        first = moved.first_edge
        moved.first_edge = used_edges
        for i in range(moved.edges):
            edges[used_edges + i] = edges[first + i]
        used_nodes += 1
        used_edges += moved.edges
    trees.used_nodes[game] = used_nodes
    trees.used_edges[game] = used_edges


@compiled
def read_root(trees: Any, game: int, index: int, output: Any) -> None:
    """Write a root's actions and visits, and its mean value by seat: its own evaluation and all simulations."""
    row = trees.nodes[game, 0]
    values = output.root_values[index]
    for seat in range(len(values)):
        values[seat] = row.value[seat]
    for i in range(row.edges):
        edge = trees.edges[game, row.first_edge + i]
        output.policy_actions[output.policy_offsets[index] + i] = edge.action
        output.visits[output.policy_offsets[index] + i] = edge.visits
        for seat in range(len(values)):
            values[seat] += edge.value[seat]
    for seat in range(len(values)):
        values[seat] /= row.visits


@compiled
def measure_surprise(trees: Any, game: int, index: int, output: Any) -> None:
    """Write how far the policy of a root is from its prior, which noise has not changed."""
    row = trees.nodes[game, 0]
    start = output.policy_offsets[index]
    surprise = 0.0
    for i in range(row.edges):
        share = output.policy_probs[start + i]
        if share > 0:
            surprise += share * (np.log(share) - trees.edges[game, row.first_edge + i].logit)
    output.surprise[index] = max(surprise, 0.0)  # rounding may lead below
