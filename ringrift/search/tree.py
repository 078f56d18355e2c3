"""The sparse tree that the searches share: many games' trees side by side in flat arenas, never a dense one.

A node is a position in which somebody has a choice: forced actions are played on the way to it. Per node the tree holds
its legal actions only, as edges in one arena per game (first edge, count). Values are vectors, one number per seat,
because a turn is several actions: who decides at a node stands in its state, never in the parity of the depth.

A simulation has two halves, with the evaluator between them. A search's `simulate` selects children from the root to a
leaf, which `expand` makes; `complete_simulation` gives the leaf its priors and values and backs them up. It is called
on the way into the next simulation, so that the games are gone through once per simulation.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from ringrift.game.boards import MAX_PLAYERS
from ringrift.game.types import States
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import F32, I32, I64, U8, Records
from ringrift.search.game_adapter import GameAdapter, GameState, GameTables, GameWorkspace, legal_actions, outcome, step
from ringrift.search.output import SearchOutput

UNVISITED: Final = -1
"""The child of an edge without one."""
NONE: Final = -1
"""No node, or no row."""

# What a node is.
OPEN: Final = 0  # has edges
TERMINAL: Final = 1  # the game is over there
CUT_OFF: Final = 2  # the edge arena was full: keeps its first value for ever
SOLVED: Final = 3  # its values are those of best play to the end of the game

NODE_TYPE: Final = np.dtype(
    [
        ("first_edge", np.int32),
        ("edge_count", np.int32),
        ("parent", np.int32),  # −1 at the root
        ("parent_edge", np.int32),  # which of the parent's edges, from 0
        ("visits", np.int32),
        ("player", np.int32),  # seat that decides, from 1
        ("kind", np.int32),
        ("raw_value", np.float32, (MAX_PLAYERS,)),  # of the evaluator or the outcome, by seat
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
        ("value_sum", np.float32, (MAX_PLAYERS,)),  # summed over the visits, by seat
    ],
    align=True,
)


class Trees(NamedTuple):
    """Arenas for the trees of many games; one slot each."""

    nodes: Records
    """`[slots, nodes]`"""
    states: States
    """`[slots, nodes]`"""
    edges: Records
    """`[slots, edges]`"""
    used_nodes: I32
    """`[slots]`, nodes in use."""
    used_edges: I32
    leaves: I32
    """`[slots]`, the node whose simulation is to be completed, or `NONE`."""
    rows: I32
    """`[slots]`, where that leaf stands in the evaluator's batch, or `NONE` if it needs no evaluation."""


class EvaluatorOutput(NamedTuple):
    """The output of an evaluator for one batch of leaves."""

    offsets: I64
    """`[batch + 1]`, where the actions of each leaf begin."""
    logits: F32
    """`[L]`, of the legal actions."""
    values: F32
    """`[batch, players]`, by seat."""


def empty_evaluator_output(players: int) -> EvaluatorOutput:
    """Return the output for an empty batch."""
    return EvaluatorOutput(np.zeros(1, np.int64), np.empty(0, np.float32), np.empty((0, players), np.float32))


def new_trees(adapter: GameAdapter, slots: int, nodes: int, edge_type: np.dtype[np.void] = EDGE_TYPE) -> Trees:
    """Return arenas for that many games and nodes per game; another `edge_type` has other statistics."""
    edges = min(nodes * adapter.edges_per_node + 2 * adapter.max_actions, nodes * adapter.max_actions)
    return Trees(
        np.zeros((slots, nodes), NODE_TYPE),
        np.zeros((slots, nodes), adapter.state_type),
        np.zeros((slots, edges), edge_type),
        np.zeros(slots, np.int32),
        np.zeros(slots, np.int32),
        np.full(slots, NONE, np.int32),
        np.full(slots, NONE, np.int32),
    )


def bytes_per_node(trees: Trees) -> float:
    """Return the memory in use per node, with its state and its edges."""
    nodes, edges = int(trees.used_nodes.sum()), int(trees.used_edges.sum())
    return trees.nodes.itemsize + trees.states.itemsize + trees.edges.itemsize * edges / nodes


@compiled
def play_forced(state: GameState, board: GameTables, work: GameWorkspace) -> int:
    """Play on while there is exactly one legal action, and return how many there are then, in `work.actions`."""
    count = legal_actions(state, board, work, work.actions)
    while count == 1:
        step(state, work.actions[0], board, work)
        count = legal_actions(state, board, work, work.actions)
    return int(count)


@compiled
def init_node(trees: Trees, game: int, node: int, board: GameTables, work: GameWorkspace) -> bool:
    """Fill a new node from its state, below the root after forced actions, and return whether it needs the evaluator.

    The statistics of its edges, but for the visits, are left to the search.
    """
    state = trees.states[game, node]
    count = legal_actions(state, board, work, work.actions) if node == 0 else play_forced(state, board, work)
    row = trees.nodes[game, node]
    row.visits = 0
    row.edge_count = 0
    row.first_edge = trees.used_edges[game]
    row.player = state.player
    if count == 0:
        row.kind = TERMINAL
        outcome(state, row.raw_value)
        return False
    if trees.used_edges[game] + count > trees.edges.shape[1]:
        row.kind = CUT_OFF
        return True
    row.kind = OPEN
    row.edge_count = count
    for i in range(count):
        edge = trees.edges[game, row.first_edge + i]
        edge.action = work.actions[i]
        edge.child = UNVISITED
        edge.visits = 0
    trees.used_edges[game] += count
    return True


@compiled
def queue_leaf(trees: Trees, game: int, node: int, needs_evaluator: bool) -> None:
    """Note a leaf whose simulation is to be completed; `assign_rows` gives it a row of the batch."""
    trees.leaves[game] = node
    trees.rows[game] = 0 if needs_evaluator else NONE


@compiled
def init_root(trees: Trees, game: int, board: GameTables, work: GameWorkspace) -> None:
    """Start a tree anew from `trees.states[game, 0]`."""
    trees.used_nodes[game] = 1
    trees.used_edges[game] = 0
    trees.nodes[game, 0].parent = NONE
    queue_leaf(trees, game, 0, init_node(trees, game, 0, board, work))


@compiled
def expand(trees: Trees, game: int, node: int, edge: int, board: GameTables, work: GameWorkspace) -> None:
    """Make the child of an edge, the leaf of this simulation."""
    child = trees.used_nodes[game]
    trees.used_nodes[game] += 1
    trees.edges[game, edge].child = child
    trees.states[game, child] = trees.states[game, node]
    step(trees.states[game, child], trees.edges[game, edge].action, board, work)
    trees.nodes[game, child].parent = node
    trees.nodes[game, child].parent_edge = edge - trees.nodes[game, node].first_edge
    queue_leaf(trees, game, child, init_node(trees, game, child, board, work))


@compiled
def assign_rows(trees: Trees, games: I32, offsets: I64) -> int:
    """Give the leaves that need the evaluator rows of a batch, with the `offsets` of their actions; return how many."""
    rows = 0
    for game in games:
        if trees.leaves[game] != NONE and trees.rows[game] != NONE:
            trees.rows[game] = rows
            offsets[rows + 1] = offsets[rows] + trees.nodes[game, trees.leaves[game]].edge_count
            rows += 1
    return rows


@compiled
def gather_leaves(trees: Trees, games: I32, first: int, last: int, offsets: I64, states: States, actions: I32) -> None:
    """Copy the leaves of `games[first … last−1]` that need the evaluator, and their actions, into the batch."""
    for game in games[first:last]:
        row = trees.rows[game]
        leaf = trees.leaves[game]
        if leaf == NONE or row == NONE:
            continue
        states[row] = trees.states[game, leaf]
        start = trees.nodes[game, leaf].first_edge
        for i in range(offsets[row + 1] - offsets[row]):
            actions[offsets[row] + i] = trees.edges[game, start + i].action


@compiled
def complete_simulation(trees: Trees, game: int, evaluated: EvaluatorOutput) -> None:
    """Give the leaf of a game, if there is one, its priors and values, and back them up."""
    leaf = trees.leaves[game]
    if leaf == NONE:
        return
    row = trees.rows[game]
    if row != NONE:
        node = trees.nodes[game, leaf]
        for seat in range(evaluated.values.shape[1]):
            node.raw_value[seat] = evaluated.values[row, seat]
        init_edges(trees, game, node.first_edge, evaluated.logits[evaluated.offsets[row] : evaluated.offsets[row + 1]])
    backup(trees, game, leaf)
    trees.leaves[game] = NONE


@compiled
def init_edges(trees: Trees, game: int, first_edge: int, logits: F32) -> None:
    """Give the new edges of a node the priors that the logits stand for; nothing has been backed up to them."""
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
        for seat in range(MAX_PLAYERS):
            edge.value_sum[seat] = 0


@compiled
def backup(trees: Trees, game: int, leaf: int) -> None:
    """Add the value of a leaf to every edge on the way to it, and a visit to every node."""
    node = leaf
    while True:
        trees.nodes[game, node].visits += 1
        parent = trees.nodes[game, node].parent
        if parent == NONE:
            return
        edge = trees.edges[game, trees.nodes[game, parent].first_edge + trees.nodes[game, node].parent_edge]
        edge.visits += 1
        for seat in range(MAX_PLAYERS):
            edge.value_sum[seat] += trees.nodes[game, leaf].raw_value[seat]
        node = parent


@compiled
def find_node(trees: Trees, game: int, ply: int, wanted: U8, images: U8) -> int:
    """Return the node whose state has the `wanted` bytes; `images` `[slots, nodes, bytes]` are those of all states."""
    for node in range(trees.used_nodes[game]):
        # Nearly all nodes of another state are of another ply, or differ early.
        if trees.nodes[game, node].kind == OPEN and trees.states[game, node].ply == ply:
            place = 0
            while place < len(wanted) and images[game, node, place] == wanted[place]:
                place += 1
            if place == len(wanted):
                return int(node)
    return NONE


@compiled
def reroot(trees: Trees, game: int, root: int, kept: I32) -> None:
    """Make a node the root and keep what is below it; `kept` `[nodes]` is scratch memory.

    Nodes and their edges were made later than those above them, so the rest moves to the front of the arenas in one
    pass.
    """
    nodes, edges = trees.nodes[game], trees.edges[game]
    used_nodes = 0
    used_edges = 0
    for node in range(trees.used_nodes[game]):
        parent = nodes[node].parent
        kept[node] = NONE
        if node != root and (parent == NONE or kept[parent] == NONE):
            continue
        kept[node] = used_nodes
        moved = nodes[used_nodes]
        if used_nodes != node:
            nodes[used_nodes] = nodes[node]
            trees.states[game, used_nodes] = trees.states[game, node]
        if node == root:
            moved.parent = NONE
        else:
            moved.parent = kept[parent]
            edges[nodes[kept[parent]].first_edge + moved.parent_edge].child = used_nodes
        first = moved.first_edge
        moved.first_edge = used_edges
        for i in range(moved.edge_count):
            edges[used_edges + i] = edges[first + i]
        used_nodes += 1
        used_edges += moved.edge_count
    trees.used_nodes[game] = used_nodes
    trees.used_edges[game] = used_edges


@compiled
def write_root(trees: Trees, game: int, index: int, output: SearchOutput) -> None:
    """Write a root's actions and visits, and its mean value by seat: its own evaluation and all simulations."""
    row = trees.nodes[game, 0]
    values = output.root_values[index]
    for seat in range(len(values)):
        values[seat] = row.raw_value[seat]
    for i in range(row.edge_count):
        edge = trees.edges[game, row.first_edge + i]
        output.policy_actions[output.policy_offsets[index] + i] = edge.action
        output.visits[output.policy_offsets[index] + i] = edge.visits
        for seat in range(len(values)):
            values[seat] += edge.value_sum[seat]
    for seat in range(len(values)):
        values[seat] /= row.visits


@compiled
def write_surprise(trees: Trees, game: int, index: int, output: SearchOutput) -> None:
    """Write how far the policy of a root is from its prior, which noise has not changed."""
    row = trees.nodes[game, 0]
    start = output.policy_offsets[index]
    surprise = 0.0
    for i in range(row.edge_count):
        share = output.policy_probs[start + i]
        if share > 0:
            surprise += share * (np.log(share) - trees.edges[game, row.first_edge + i].logit)
    output.surprise[index] = max(surprise, 0.0)  # rounding may lead below
