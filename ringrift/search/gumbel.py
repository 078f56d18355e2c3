"""Gumbel AlphaZero search (Danihelka, Guez, Schrittwieser, Silver: Policy improvement by planning with Gumbel, 2022).

At the root a number of actions is drawn without replacement by the Gumbel-top-k trick and halved again and again as
the simulations are spent; below it the search is deterministic and follows the improved policy. Both judge an action
by prior logit + sigma(completed Q), and softmax of the same sum is the policy that a network should learn.

Any number of games are searched in lockstep, one evaluator call per simulation for all of them.
"""

from __future__ import annotations

from functools import cache
from math import ceil, log2
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ringrift.game.boards import Board
from ringrift.game.compiled import compiled
from ringrift.search.chance import decision_key, uniform
from ringrift.search.evaluators import Evaluator
from ringrift.search.forest import Forest, States
from ringrift.search.found import Found
from ringrift.search.tree import NO_CHILD, OPEN, grow_leaf, read_root

BUDGETS: Final = {"throughput": 64, "standard": 150, "quality": 800, "ultimate": 1600}
"""Simulations per decision, by name."""

CONSIDERED: Final = 16
"""Actions that the root draws; the paper's choice for Go and chess, and larger numbers change little there."""
VALUE_SCALE: Final = 0.1
VISIT_OFFSET: Final = 50.0
"""sigma(q) = (VISIT_OFFSET + most visits of an action) × VALUE_SCALE × q, with q rescaled to 0 … 1: the paper's c."""


@cache
def considered_visits(considered: int, simulations: int) -> npt.NDArray[np.int32]:
    """Sequential halving as a table: `[simulations]`, the visits that the action to try next must have had.

    Each phase visits its actions equally often, keeps the better half, and goes on; whoever is best among those with
    that number of visits is next.
    """
    if considered <= 1:
        return np.arange(simulations, dtype=np.int32)
    phases = ceil(log2(considered))
    visits = [0] * considered
    sequence: list[int] = []
    remaining = considered
    while len(sequence) < simulations:
        for _ in range(max(1, simulations // (phases * remaining))):
            sequence.extend(visits[:remaining])
            visits[:remaining] = [n + 1 for n in visits[:remaining]]
        remaining = max(2, remaining // 2)
    return np.array(sequence[:simulations], np.int32)


@cache
def considered_table(most: int, simulations: int) -> npt.NDArray[np.int32]:
    """`considered_visits` for every number of actions up to `most`: `[most + 1, simulations]`."""
    return np.stack([considered_visits(considered, simulations) for considered in range(most + 1)])


@compiled
def improved_logits(nodes: Any, edges: Any, game: int, node: int, scores: Any) -> None:
    """Write log prior + sigma(completed Q) of every edge of a node into `scores`, from the view of who decides there.

    An unvisited action is completed with the mix of the node's own value and the visited actions' values (appendix D of
    the paper); the completed values are rescaled to 0 … 1 over the node.
    """
    row = nodes[game, node]
    seat = row.player - 1
    first = row.first_edge
    visits = 0
    most = 0
    visited_prior = 0.0
    weighted = 0.0
    for i in range(row.edges):
        edge = edges[game, first + i]
        if edge.visits > 0:
            visits += edge.visits
            most = max(most, edge.visits)
            prior = np.exp(edge.logit)
            visited_prior += prior
            weighted += prior * edge.value[seat] / edge.visits
    mixed = float(row.value[seat])
    if visits > 0:
        mixed = (mixed + visits * weighted / max(visited_prior, 1e-30)) / (visits + 1)
    low = high = mixed
    for i in range(row.edges):
        edge = edges[game, first + i]
        if edge.visits > 0:
            q = edge.value[seat] / edge.visits
            low, high = min(low, q), max(high, q)
    if visits == 0 or high - low < 1e-8:
        for i in range(row.edges):
            scores[i] = edges[game, first + i].logit
        return
    scale = (VISIT_OFFSET + most) * VALUE_SCALE / (high - low)
    for i in range(row.edges):
        edge = edges[game, first + i]
        q = edge.value[seat] / edge.visits if edge.visits > 0 else mixed
        scores[i] = edge.logit + scale * (q - low)


@compiled
def softmax(scores: Any, count: int) -> None:
    """Turn the first `count` scores into probabilities, in place."""
    highest = scores[0]
    for i in range(1, count):
        highest = max(highest, scores[i])
    total = 0.0
    for i in range(count):
        scores[i] = np.exp(scores[i] - highest)
        total += scores[i]
    for i in range(count):
        scores[i] /= total


@compiled
def choose_below_root(nodes: Any, edges: Any, game: int, node: int, scores: Any) -> int:
    """The edge whose share of the visits lags most behind the improved policy (equation 14 of the paper)."""
    row = nodes[game, node]
    improved_logits(nodes, edges, game, node, scores)
    softmax(scores, row.edges)
    visits = row.visits - 1  # without the one that made the node
    best = 0
    best_gap = -1e30
    for i in range(row.edges):
        gap = scores[i] - edges[game, row.first_edge + i].visits / (1 + visits)
        if gap > best_gap:
            best, best_gap = i, gap
    return int(row.first_edge + best)


@compiled
def choose_at_root(nodes: Any, edges: Any, game: int, wanted: int, noise: Any, scores: Any) -> int:
    """The root's best edge among those with the wanted visits, by noise + log prior + sigma(completed Q)."""
    row = nodes[game, 0]
    improved_logits(nodes, edges, game, 0, scores)
    best = -1
    best_score = -1e30
    for i in range(row.edges):
        if edges[game, row.first_edge + i].visits == wanted and noise[game, i] + scores[i] > best_score:
            best, best_score = i, noise[game, i] + scores[i]
    return int(row.first_edge + best)


@compiled
def descend(
    nodes: Any,
    states: Any,
    edges: Any,
    used_nodes: Any,
    used_edges: Any,
    leaves: Any,
    waiting: Any,
    noise: Any,
    table: Any,
    simulation: int,
    first: int,
    last: int,
    board: Any,
    work: Any,
    scores: Any,
) -> None:
    """Walk from the root to a leaf in each of the games `first` … `last`−1, making the leaf where it is new."""
    most = table.shape[0] - 1
    for game in range(first, last):
        waiting[game] = False
        leaves[game] = 0
        if nodes[game, 0].kind != OPEN:
            continue
        wanted = table[min(most, nodes[game, 0].edges), simulation]
        edge = choose_at_root(nodes, edges, game, wanted, noise, scores)
        node = 0
        while True:
            child = edges[game, edge].child
            if child == NO_CHILD:
                leaves[game] = grow_leaf(
                    nodes, states, edges, used_nodes, used_edges, waiting, game, node, edge, board, work
                )
                break
            node = child
            if nodes[game, node].kind != OPEN:
                leaves[game] = node
                break
            edge = choose_below_root(nodes, edges, game, node, scores)


@compiled
def draw_noise(states: Any, nodes: Any, games: Any, seed: np.uint64, noise: Any) -> None:
    """Gumbel numbers for the actions of the roots, keyed by run, game and decision."""
    for game in range(len(games)):
        key = decision_key(seed, games[game], states[game, 0])
        for i in range(nodes[game, 0].edges):
            noise[game, i] = -np.log(-np.log(uniform(key, i)))


@compiled
def read_roots(
    nodes: Any, edges: Any, noise: Any, offsets: Any, chosen: Any, policy: Any, visits: Any, values: Any, scores: Any
) -> None:
    """Read off what the search has found: chosen action, improved policy, visits, and mean value of every root."""
    for game in range(len(nodes)):
        row = nodes[game, 0]
        most = 0
        for i in range(row.edges):
            most = max(most, edges[game, row.first_edge + i].visits)
        best = choose_at_root(nodes, edges, game, most, noise, scores)
        chosen[game] = edges[game, best].action
        improved_logits(nodes, edges, game, 0, scores)
        softmax(scores, row.edges)
        for i in range(row.edges):
            policy[offsets[game] + i] = scores[i]
        read_root(nodes, edges, game, visits[offsets[game] :], values[game])


class GumbelSearch:
    """Searches the positions of many games side by side."""

    def __init__(
        self,
        board: Board,
        players: int,
        evaluator: Evaluator,
        *,
        simulations: int = BUDGETS["standard"],
        considered: int = CONSIDERED,
        noise: bool = True,
        seed: int = 0,
        threads: int | None = None,
    ) -> None:
        """`simulations` per decision; `considered` is how many actions the root draws, by prior alone without `noise`.

        With 0 simulations and noise, the action is a sample of the prior. `seed` names the run.
        """
        self.forest = Forest(board, players, evaluator, nodes=simulations + 1, threads=threads)
        self.table = considered_table(considered, simulations)
        self.noise = noise
        self.seed = np.uint64(seed)

    def run(self, states: States, games: npt.NDArray[np.int64] | None = None) -> Found:
        """Search positions `[games]` in which somebody has to act; `games` are their numbers in the run."""
        forest = self.forest
        board = forest.board
        numbers = np.arange(len(states), dtype=np.int64) if games is None else games
        forest.plant(states)
        noise = np.zeros((len(states), board.max_actions), np.float32)
        if self.noise:
            draw_noise(forest.trees.states, forest.trees.nodes, numbers, self.seed, noise)
        for simulation in range(self.table.shape[1]):

            def walk(first: int, last: int, work: Any, simulation: int = simulation) -> None:
                scores = np.empty(board.max_actions)
                descend(*forest.arenas, noise, self.table, simulation, first, last, board.tables, work, scores)

            forest.for_all_games(walk)
            forest.evaluate()
        found = forest.empty_finding()
        read_roots(
            forest.trees.nodes,
            forest.trees.edges,
            noise,
            found.offsets,
            found.chosen,
            found.policy,
            found.visits,
            found.values,
            np.empty(board.max_actions),
        )
        return found
