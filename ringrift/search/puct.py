"""PUCT search as in AlphaZero (Silver et al., 2018), with KataGo's forced playouts and target pruning (Wu, 2019).

Any number of games are searched in lockstep, one evaluator call per simulation for all of them.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ringrift.game.boards import Board
from ringrift.game.compiled import compiled
from ringrift.search.chance import decision_key, dirichlet
from ringrift.search.evaluators import Evaluator
from ringrift.search.forest import Forest, States
from ringrift.search.found import Found
from ringrift.search.tree import NO_CHILD, OPEN, grow_leaf, read_root

EXPLORATION_BASE: Final = 19652.0
EXPLORATION_START: Final = 1.25
"""AlphaZero's growth of the exploration constant with the visits."""
FIRST_PLAY_REDUCTION: Final = 0.2
"""An unvisited action counts as its parent's value less this times the root of the prior visited so far (KataGo)."""
NOISE_SHARE: Final = 0.25
NOISE_TOTAL: Final = 10.0
"""Dirichlet noise at the root: a quarter of the prior, alpha = 10 / legal actions, as in AlphaZero's three games."""
FORCED_PLAYOUTS: Final = 2.0
"""Every root action that is tried gets sqrt(2 × prior × visits) of them (KataGo, section 3.2)."""


@compiled
def exploration(visits: int) -> float:
    """The exploration constant of a node with that many visits of its actions."""
    return float(np.log((1 + visits + EXPLORATION_BASE) / EXPLORATION_BASE) + EXPLORATION_START)


@compiled
def mean_value(nodes: Any, edges: Any, game: int, node: int) -> float:
    """Mean value of a node for who decides there: its own evaluation and all simulations through it."""
    row = nodes[game, node]
    seat = row.player - 1
    total = float(row.value[seat])
    for i in range(row.edges):
        total += edges[game, row.first_edge + i].value[seat]
    return float(total / row.visits)


@compiled
def choose_edge(nodes: Any, edges: Any, game: int, node: int, priors: Any, forced: float) -> int:
    """The edge with the highest value plus exploration bonus; `priors` are those of the node's edges, in order.

    With `forced` > 0, an action that has been tried but lags behind its forced playouts comes first.
    """
    row = nodes[game, node]
    seat = row.player - 1
    visits = row.visits - 1  # without the one that made the node
    scale = exploration(visits) * np.sqrt(max(visits, 1))
    visited = 0.0
    for i in range(row.edges):
        if edges[game, row.first_edge + i].visits > 0:
            visited += priors[i]
    unvisited = mean_value(nodes, edges, game, node) - FIRST_PLAY_REDUCTION * np.sqrt(visited)
    best = 0
    best_score = -1e30
    for i in range(row.edges):
        edge = edges[game, row.first_edge + i]
        n = edge.visits
        score = (edge.value[seat] / n if n > 0 else unvisited) + scale * priors[i] / (1 + n)
        if forced > 0 and 0 < n < np.sqrt(forced * priors[i] * visits):
            score += 1e6
        if score > best_score:
            best, best_score = i, score
    return int(row.first_edge + best)


@compiled
def mix_priors(nodes: Any, edges: Any, states: Any, games: Any, seed: np.uint64, share: float, priors: Any) -> None:
    """Write the priors of the roots, mixed with Dirichlet noise, into `priors` `[games, max_actions]`."""
    for game in range(len(games)):
        row = nodes[game, 0]
        if share > 0:
            key = decision_key(seed, games[game], states[game, 0])
            dirichlet(key, NOISE_TOTAL / max(row.edges, 1), row.edges, priors[game])
        for i in range(row.edges):
            noise = share * priors[game, i] if share > 0 else 0.0
            priors[game, i] = (1 - share) * np.exp(edges[game, row.first_edge + i].logit) + noise


@compiled
def descend(
    nodes: Any,
    states: Any,
    edges: Any,
    used_nodes: Any,
    used_edges: Any,
    leaves: Any,
    waiting: Any,
    root_priors: Any,
    forced: float,
    first: int,
    last: int,
    board: Any,
    work: Any,
    priors: Any,
) -> None:
    """Walk from the root to a leaf in each of the games `first` … `last`−1, making the leaf where it is new."""
    for game in range(first, last):
        waiting[game] = False
        node = 0
        while nodes[game, node].kind == OPEN:
            row = nodes[game, node]
            if node == 0:
                edge = choose_edge(nodes, edges, game, node, root_priors[game], forced)
            else:
                for i in range(row.edges):
                    priors[i] = np.exp(edges[game, row.first_edge + i].logit)
                edge = choose_edge(nodes, edges, game, node, priors, 0.0)
            child = edges[game, edge].child
            if child == NO_CHILD:
                node = grow_leaf(nodes, states, edges, used_nodes, used_edges, waiting, game, node, edge, board, work)
                break
            node = child
        leaves[game] = node


@compiled
def pruned_visits(nodes: Any, edges: Any, game: int, priors: Any, forced: float, out: Any) -> None:
    """Write the root's visits without those that only the forced playouts explain into `out` (KataGo, section 3.2).

    Each action but the most visited one loses up to its forced playouts, as long as its score stays below that of the
    most visited one; what is left with a single visit loses that as well.
    """
    row = nodes[game, 0]
    seat = row.player - 1
    visits = row.visits - 1
    scale = exploration(visits) * np.sqrt(max(visits, 1))
    best = 0
    for i in range(row.edges):
        if edges[game, row.first_edge + i].visits > edges[game, row.first_edge + best].visits:
            best = i
    top = edges[game, row.first_edge + best]
    limit = top.value[seat] / max(top.visits, 1) + scale * priors[best] / (1 + top.visits)
    for i in range(row.edges):
        edge = edges[game, row.first_edge + i]
        n = edge.visits
        out[i] = n
        if i == best or n == 0 or forced == 0:
            continue
        q = edge.value[seat] / n
        removable = int(np.sqrt(forced * priors[i] * visits))
        while removable > 0 and n > 0 and q + scale * priors[i] / n < limit:
            n -= 1
            removable -= 1
        out[i] = 0 if n <= 1 else n


@compiled
def read_roots(
    nodes: Any,
    edges: Any,
    priors: Any,
    forced: float,
    offsets: Any,
    chosen: Any,
    policy: Any,
    visits: Any,
    values: Any,
    pruned: Any,
) -> None:
    """Read off what the search has found: most visited action, pruned policy, visits, and mean value of every root."""
    for game in range(len(nodes)):
        row = nodes[game, 0]
        pruned_visits(nodes, edges, game, priors[game], forced, pruned)
        total = 0.0
        best = 0
        for i in range(row.edges):
            total += pruned[i]
            if pruned[i] > pruned[best]:
                best = i
        chosen[game] = edges[game, row.first_edge + best].action
        for i in range(row.edges):
            policy[offsets[game] + i] = pruned[i] / total
        read_root(nodes, edges, game, visits[offsets[game] :], values[game])


class PuctSearch:
    """Searches the positions of many games side by side."""

    def __init__(
        self,
        board: Board,
        players: int,
        evaluator: Evaluator,
        *,
        simulations: int = 800,
        noise: bool = False,
        seed: int = 0,
        threads: int | None = None,
    ) -> None:
        """`noise` is for self-play: Dirichlet noise and forced playouts at the root. `seed` names the run."""
        self.forest = Forest(board, players, evaluator, nodes=simulations + 1, threads=threads)
        self.simulations = simulations
        self.noise_share = NOISE_SHARE if noise else 0.0
        self.forced = FORCED_PLAYOUTS if noise else 0.0
        self.seed = np.uint64(seed)

    def run(self, states: States, games: npt.NDArray[np.int64] | None = None) -> Found:
        """Search positions `[games]` in which somebody has to act; `games` are their numbers in the run."""
        forest = self.forest
        board = forest.board
        numbers = np.arange(len(states), dtype=np.int64) if games is None else games
        forest.plant(states)
        trees = forest.trees
        priors = np.empty((len(states), board.max_actions))
        mix_priors(trees.nodes, trees.edges, trees.states, numbers, self.seed, self.noise_share, priors)

        def walk(first: int, last: int, work: Any) -> None:
            scratch = np.empty(board.max_actions)
            descend(*forest.arenas, priors, self.forced, first, last, board.tables, work, scratch)

        for _ in range(self.simulations):
            forest.for_all_games(walk)
            forest.evaluate()
        found = forest.empty_finding()
        read_roots(
            trees.nodes,
            trees.edges,
            priors,
            self.forced,
            found.offsets,
            found.chosen,
            found.policy,
            found.visits,
            found.values,
            np.empty(board.max_actions),
        )
        return found
