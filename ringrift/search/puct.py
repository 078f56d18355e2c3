"""PUCT search as in AlphaZero (Silver et al., 2018), with KataGo's forced playouts and target pruning (Wu, 2019).

Any number of games are searched in lockstep, one evaluator call per simulation for all of them.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from ringrift.game.boards import Board
from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import dirichlet
from ringrift.search.batched import BatchedSearch, Games, States
from ringrift.search.evaluators import Evaluator
from ringrift.search.game_adapter import GameAdapter, decision_key
from ringrift.search.output import SearchOutput
from ringrift.search.playout_cap import PlayoutCap, budgets, full_searches
from ringrift.search.tree import NO_CHILD, OPEN, Answers, grow_leaf, measure_surprise, read_root, settle, wait_for

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
def choose_edge(nodes: Any, edges: Any, node: int, forced: float) -> int:
    """The edge with the highest value plus exploration bonus; `nodes` and `edges` are the arenas of one game.

    With `forced` > 0, an action that has been tried but lags behind its forced playouts comes first.
    """
    row = nodes[node]
    seat = row.player - 1
    visits = row.visits - 1  # without the one that made the node
    scale = exploration(visits) * np.sqrt(max(visits, 1))
    visited = 0.0
    total = float(row.value[seat])
    for i in range(row.edges):
        edge = edges[row.first_edge + i]
        if edge.visits > 0:
            visited += edge.prior
            total += edge.value[seat]
    unvisited = total / row.visits - FIRST_PLAY_REDUCTION * np.sqrt(visited)
    best = 0
    best_score = -1e30
    for i in range(row.edges):
        edge = edges[row.first_edge + i]
        n = edge.visits
        score = (edge.value[seat] / n if n > 0 else unvisited) + scale * edge.prior / (1 + n)
        if forced > 0 and 0 < n < np.sqrt(forced * edge.prior * visits):
            score += 1e6
        if score > best_score:
            best, best_score = i, score
    return int(row.first_edge + best)


@compiled
def mix_priors(trees: Any, slots: Any, games: Any, seed: np.uint64, share: float, full: Any, noise: Any) -> None:
    """Mix the priors of the roots of full searches with noise; `noise` `[max_actions]` is scratch memory."""
    for index in range(len(slots)):
        game = slots[index]
        row = trees.nodes[game, 0]
        mixed = share if full[index] else 0.0
        if mixed > 0:
            key = decision_key(seed, games[index], trees.states[game, 0])
            dirichlet(key, NOISE_TOTAL / max(row.edges, 1), row.edges, noise)
        for i in range(row.edges):
            edge = trees.edges[game, row.first_edge + i]
            edge.prior = np.exp(edge.logit)  # without what an earlier search has mixed in
            if mixed > 0:
                edge.prior = (1 - mixed) * edge.prior + mixed * noise[i]


@compiled
def walk(
    trees: Any,
    slots: Any,
    answers: Any,
    forced: Any,
    budgets: Any,
    first: int,
    last: int,
    board: Any,
    work: Any,
) -> None:
    """Settle the games `first` … `last`−1, and walk on to a leaf in those that have simulations left."""
    for index in range(first, last):
        game = slots[index]
        settle(trees, game, answers)
        nodes, edges = trees.nodes[game], trees.edges[game]
        root = nodes[0]
        if root.kind != OPEN or root.visits - 1 >= budgets[index]:
            continue
        edge = choose_edge(nodes, edges, 0, forced[index])
        node = 0
        while True:
            child = edges[edge].child
            if child == NO_CHILD:
                grow_leaf(trees, game, node, edge, board, work)
                break
            node = child
            if nodes[node].kind != OPEN:
                wait_for(trees, game, node, False)
                break
            edge = choose_edge(nodes, edges, node, 0.0)


@compiled
def pruned_visits(trees: Any, game: int, forced: float, out: Any) -> None:
    """Write the root's visits without those that only the forced playouts explain into `out` (KataGo, section 3.2).

    Each action but the most visited one loses up to its forced playouts, as long as its score stays below that of the
    most visited one; what is left with a single visit loses that as well.
    """
    row = trees.nodes[game, 0]
    seat = row.player - 1
    visits = row.visits - 1
    scale = exploration(visits) * np.sqrt(max(visits, 1))
    best = 0
    for i in range(row.edges):
        if trees.edges[game, row.first_edge + i].visits > trees.edges[game, row.first_edge + best].visits:
            best = i
    top = trees.edges[game, row.first_edge + best]
    limit = top.value[seat] / max(top.visits, 1) + scale * top.prior / (1 + top.visits)
    for i in range(row.edges):
        edge = trees.edges[game, row.first_edge + i]
        n = edge.visits
        out[i] = n
        if i == best or n == 0 or forced == 0:
            continue
        q = edge.value[seat] / n
        removable = int(np.sqrt(forced * edge.prior * visits))
        while removable > 0 and n > 0 and q + scale * edge.prior / n < limit:
            n -= 1
            removable -= 1
        out[i] = 0 if n <= 1 else n


@compiled
def read_roots(trees: Any, slots: Any, forced: Any, output: Any, first: int, last: int, pruned: Any) -> None:
    """Write the outputs of roots: most visited action, pruned policy, visits, mean value and surprise."""
    for index in range(first, last):
        game = slots[index]
        row = trees.nodes[game, 0]
        start = output.policy_offsets[index]
        read_root(trees, game, index, output)
        if row.edges == 0:
            continue
        pruned_visits(trees, game, forced[index], pruned)
        total = 0.0
        best = 0
        for i in range(row.edges):
            total += pruned[i]
            if pruned[i] > pruned[best]:
                best = i
        output.chosen_actions[index] = trees.edges[game, row.first_edge + best].action
        for i in range(row.edges):
            output.policy_probs[start + i] = pruned[i] / total
        measure_surprise(trees, game, index, output)


class PuctSearch:
    """Searches the positions of many games side by side."""

    def __init__(
        self,
        board: Board | GameAdapter,
        players: int,
        evaluator: Evaluator,
        *,
        simulations: int = 800,
        noise: bool = False,
        cap: PlayoutCap | None = None,
        reuse: bool = False,
        seed: int = 0,
        threads: int | None = None,
        groups: int = 1,
    ) -> None:
        """`noise` is for self-play: Dirichlet noise and forced playouts at the root of full searches.

        `cap` gives some decisions fewer simulations. With `reuse`, a game's next search goes on with what the last one
        knows of the position, and those simulations count; tell `forget` of games that are over. `seed` names the run,
        and `threads` and `groups` are those of `BatchedSearch`.
        """
        self.forest = BatchedSearch(
            board, players, evaluator, nodes=simulations + 1, threads=threads, groups=groups, reuse=reuse
        )
        self.simulations = simulations
        self.noise_share = NOISE_SHARE if noise else 0.0
        self.forced = FORCED_PLAYOUTS if noise else 0.0
        self.cap = cap
        self.seed = np.uint64(seed)

    def run(self, states: States, games: Games | None = None) -> SearchOutput:
        """Search positions `[games]` in which somebody has to act; `games` are their numbers in the run."""
        forest = self.forest
        adapter = forest.adapter
        numbers = np.arange(len(states), dtype=np.int64) if games is None else games
        forest.plant(states, numbers)
        trees, slots = forest.trees, forest.slots
        full = full_searches(states, numbers, self.seed, self.cap)
        limits = budgets(full, self.simulations, self.cap)
        mix_priors(trees, slots, numbers, self.seed, self.noise_share, full, np.empty(adapter.max_actions))
        forced = np.where(full, self.forced, 0.0)

        def walk_on(answers: Answers, first: int, last: int) -> None:
            walk(trees, slots, answers, forced, limits, first, last, adapter.tables, adapter.workspace())

        spent = trees.nodes["visits"][slots, 0] - 1
        forest.grow(int((limits - spent).max(initial=0)), walk_on)
        output = forest.empty_output(full)

        def read(first: int, last: int) -> None:
            read_roots(trees, slots, forced, output, first, last, np.empty(adapter.max_actions))

        forest.share_out(len(states), read)
        return output

    def forget(self, games: Games) -> None:
        """Give up what is known of games that are over."""
        self.forest.forget(games)
