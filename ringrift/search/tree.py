"""The sparse tree that the searches share: many games' trees side by side in flat arenas, never a dense one.

A node is a position in which somebody has a choice: forced actions are played on the way to it. Per node the tree holds
its legal actions only, as edges in one arena per game (first edge, count). Values are vectors, one number per seat,
because a turn is several actions: who decides at a node stands in its state, never in the parity of the depth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ringrift.encoding.values import outcome_values
from ringrift.game.boards import MAX_PLAYERS, Board
from ringrift.game.compiled import compiled
from ringrift.game.state import GAME_OVER, state_type
from ringrift.game.turn import legal_actions, play_forced, step

NO_CHILD: Final = -1

# What a node is.
OPEN: Final = 0  # has edges
TERMINAL: Final = 1  # the game is over there
CUT_OFF: Final = 2  # the edge arena was full: keeps its first value for ever

NODE_TYPE: Final = np.dtype(
    [
        ("first_edge", np.int32),
        ("edges", np.int32),
        ("parent", np.int32),  # −1 at the root
        ("parent_edge", np.int32),
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
        ("logit", np.float32),  # of the prior, as a log-probability
        ("value", np.float32, (MAX_PLAYERS,)),  # summed over the visits, by seat
    ],
    align=True,
)

EXPECTED_EDGES: Final = {"square8": 150, "hex8": 150, "square19": 1100, "hexagonal": 1100}
"""Edges per node that an arena is made for: what 64 simulations from the empty board need, where placement is widest
(measured 143 on square8, 1,086 on hexagonal; from the middle of a game 20–40 and 270–510)."""

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Trees:
    """Arenas for the trees of `games` games: `nodes` and `states` `[games, nodes]`, `edges` `[games, edges]`."""

    board: Board
    players: int
    nodes: Array
    states: Array
    edges: Array
    used_nodes: Array
    """`[games]`, nodes in use."""
    used_edges: Array
    leaves: Array
    """`[games]`, the node that the last descent reached."""
    waiting: Array
    """`[games]`, whether that leaf waits for the evaluator."""

    @property
    def bytes_per_node(self) -> float:
        """Memory of one node with its state and the edges that the arena holds for it."""
        return (self.nodes.nbytes + self.states.nbytes + self.edges.nbytes) / self.nodes.size


def new_trees(board: Board, players: int, games: int, nodes: int) -> Trees:
    """Arenas for that many games and nodes per game."""
    edges = min(nodes * EXPECTED_EDGES[board.name] + 2 * board.max_actions, nodes * board.max_actions)
    return Trees(
        board,
        players,
        np.zeros((games, nodes), NODE_TYPE),
        np.zeros((games, nodes), state_type(board)),
        np.zeros((games, edges), EDGE_TYPE),
        np.zeros(games, np.int32),
        np.zeros(games, np.int32),
        np.zeros(games, np.int32),
        np.zeros(games, np.bool_),
    )


@compiled
def open_node(
    nodes: Any, states: Any, edges: Any, used_edges: Any, game: int, node: int, board: Any, work: Any
) -> bool:
    """Fill a new node from its state, below the root playing forced actions first; whether it needs the evaluator."""
    state = states[game, node]
    count = legal_actions(state, board, work, work.actions) if node == 0 else play_forced(state, board, work)
    row = nodes[game, node]
    row.visits = 0
    row.edges = 0
    row.first_edge = used_edges[game]
    row.player = state.player
    if state.phase == GAME_OVER:
        row.kind = TERMINAL
        outcome_values(state, row.value)
        return False
    if used_edges[game] + count > edges.shape[1]:
        row.kind = CUT_OFF
        return True
    row.kind = OPEN
    row.edges = count
    for i in range(count):
        edge = edges[game, row.first_edge + i]
        edge.action = work.actions[i]
        edge.child = NO_CHILD
        edge.visits = 0
        for seat in range(MAX_PLAYERS):
            edge.value[seat] = 0
    used_edges[game] += count
    return True


@compiled
def grow_leaf(
    nodes: Any,
    states: Any,
    edges: Any,
    used_nodes: Any,
    used_edges: Any,
    waiting: Any,
    game: int,
    node: int,
    edge: int,
    board: Any,
    work: Any,
) -> int:
    """Make the child of an edge and note whether it waits for the evaluator; its node."""
    child = used_nodes[game]
    used_nodes[game] += 1
    edges[game, edge].child = child
    states[game, child] = states[game, node]
    step(states[game, child], edges[game, edge].action, board, work)
    nodes[game, child].parent = node
    nodes[game, child].parent_edge = edge
    waiting[game] = open_node(nodes, states, edges, used_edges, game, child, board, work)
    return int(child)


@compiled
def back_up(nodes: Any, edges: Any, game: int, leaf: int) -> None:
    """Add the value of a leaf to every edge on the way to it, and a visit to every node."""
    node = leaf
    while True:
        nodes[game, node].visits += 1
        parent = nodes[game, node].parent
        if parent < 0:
            return
        edge = edges[game, nodes[game, node].parent_edge]
        edge.visits += 1
        for seat in range(MAX_PLAYERS):
            edge.value[seat] += nodes[game, leaf].value[seat]
        node = parent


@compiled
def plant_roots(
    nodes: Any,
    states: Any,
    edges: Any,
    used_nodes: Any,
    used_edges: Any,
    leaves: Any,
    waiting: Any,
    first: int,
    last: int,
    board: Any,
    work: Any,
) -> None:
    """Start the trees of the games `first` … `last`−1 anew from `states[:, 0]`."""
    for game in range(first, last):
        used_nodes[game] = 1
        used_edges[game] = 0
        nodes[game, 0].parent = -1
        leaves[game] = 0
        waiting[game] = open_node(nodes, states, edges, used_edges, game, 0, board, work)


@compiled
def gather_leaves(
    nodes: Any,
    edges: Any,
    leaves: Any,
    picked: Any,
    offsets: Any,
    states: Any,
    out_states: Any,
    out_actions: Any,
    first: int,
    last: int,
) -> None:
    """Copy the waiting leaves of the games `picked[first … last−1]`, and their actions, ragged, into a batch."""
    for row in range(first, last):
        game = picked[row]
        leaf = leaves[game]
        out_states[row] = states[game, leaf]
        start = nodes[game, leaf].first_edge
        for i in range(offsets[row + 1] - offsets[row]):
            out_actions[offsets[row] + i] = edges[game, start + i].action


@compiled
def take_evaluations(
    nodes: Any,
    edges: Any,
    leaves: Any,
    picked: Any,
    offsets: Any,
    logits: Any,
    values: Any,
    first: int,
    last: int,
) -> None:
    """Give the waiting leaves their priors, as log-probabilities, and their values, `[batch, players]` by seat."""
    for row in range(first, last):
        game = picked[row]
        leaf = nodes[game, leaves[game]]
        start = offsets[row]
        count = offsets[row + 1] - start
        if count > 0:
            highest = logits[start]
            for i in range(1, count):
                highest = max(highest, logits[start + i])
            total = 0.0
            for i in range(count):
                total += np.exp(logits[start + i] - highest)
            log_total = highest + np.log(total)
            for i in range(count):
                edges[game, leaf.first_edge + i].logit = logits[start + i] - log_total
        for seat in range(values.shape[1]):
            leaf.value[seat] = values[row, seat]


@compiled
def back_up_leaves(nodes: Any, edges: Any, leaves: Any, first: int, last: int) -> None:
    """Back up the leaves that the games `first` … `last`−1 have reached."""
    for game in range(first, last):
        back_up(nodes, edges, game, leaves[game])


@compiled
def read_root(nodes: Any, edges: Any, game: int, visits: Any, values: Any) -> None:
    """Write the visits of a root's edges, and its mean value by seat: its own evaluation and all simulations."""
    row = nodes[game, 0]
    for seat in range(len(values)):
        values[seat] = row.value[seat]
    for i in range(row.edges):
        edge = edges[game, row.first_edge + i]
        visits[i] = edge.visits
        for seat in range(len(values)):
            values[seat] += edge.value[seat]
    for seat in range(len(values)):
        values[seat] /= row.visits
