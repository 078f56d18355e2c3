"""PUCT search as in AlphaZero (Silver et al., 2018), with KataGo's forced playouts and target pruning (Wu, 2019).

Any number of games are searched in lockstep, one evaluator call per simulation for all of them.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ringrift.game.boards import Board
from ringrift.game.types import States
from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import dirichlet
from ringrift.kernels.types import F64, I32, I64, Bool, Records
from ringrift.search.batched import BatchedSearch
from ringrift.search.evaluators import Evaluator
from ringrift.search.game_adapter import GameAdapter, GameTables, GameWorkspace, decision_key
from ringrift.search.leaf_evaluation import LeafMemory, evaluate_queued_leaf
from ringrift.search.output import SearchOutput
from ringrift.search.playout_cap import PlayoutCap, full_searches, simulation_limits
from ringrift.search.tree import (
    NONE,
    OPEN,
    UNVISITED,
    EvaluatorOutput,
    Trees,
    complete_simulation,
    expand,
    queue_leaf,
    write_root,
    write_surprise,
)

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
    """Return the exploration constant of a node with that many visits of its actions."""
    return float(np.log((1 + visits + EXPLORATION_BASE) / EXPLORATION_BASE) + EXPLORATION_START)


@compiled
def select_child(nodes: Records, edges: Records, node: int, forced: float) -> int:
    """Return the edge with the highest value plus exploration bonus; `nodes` and `edges` are the arenas of one game.

    With `forced` > 0, an action that has been tried but lags behind its forced playouts comes first.
    """
    row = nodes[node]
    seat = row.player - 1
    visits = row.visits - 1  # without the one that made the node
    scale = exploration(visits) * np.sqrt(max(visits, 1))
    visited = 0.0
    total = float(row.raw_value[seat])
    for i in range(row.edge_count):
        edge = edges[row.first_edge + i]
        if edge.visits > 0:
            visited += edge.prior
            total += edge.value_sum[seat]
    unvisited = total / row.visits - FIRST_PLAY_REDUCTION * np.sqrt(visited)
    best = 0
    best_score = -1e30
    for i in range(row.edge_count):
        edge = edges[row.first_edge + i]
        n = edge.visits
        score = (edge.value_sum[seat] / n if n > 0 else unvisited) + scale * edge.prior / (1 + n)
        if forced > 0 and 0 < n < np.sqrt(forced * edge.prior * visits):
            score += 1e6
        if score > best_score:
            best, best_score = i, score
    return int(row.first_edge + best)


@compiled
def add_dirichlet_noise(
    trees: Trees, slots: I32, games: I64, seed: np.uint64, share: float, full: Bool, noise: F64
) -> None:
    """Mix the priors of the roots of full searches with noise; `noise` `[max_actions]` is scratch memory."""
    for index in range(len(slots)):
        game = slots[index]
        row = trees.nodes[game, 0]
        mixed = share if full[index] else 0.0
        if mixed > 0:
            key = decision_key(seed, games[index], trees.states[game, 0])
            dirichlet(key, NOISE_TOTAL / max(row.edge_count, 1), row.edge_count, noise)
        for i in range(row.edge_count):
            edge = trees.edges[game, row.first_edge + i]
            edge.prior = np.exp(edge.logit)  # without what an earlier search has mixed in
            if mixed > 0:
                edge.prior = (1 - mixed) * edge.prior + mixed * noise[i]


@compiled
def simulate(
    trees: Trees,
    slots: I32,
    evaluated: EvaluatorOutput,
    forced: F64,
    limits: I32,
    first: int,
    last: int,
    board: GameTables,
    work: GameWorkspace,
) -> None:
    """Complete the last simulation of the games `first` … `last`−1, and begin the next where there are some left."""
    for index in range(first, last):
        game = slots[index]
        complete_simulation(trees, game, evaluated)
        nodes, edges = trees.nodes[game], trees.edges[game]
        root = nodes[0]
        if root.kind != OPEN or root.visits - 1 >= limits[index]:
            continue
        edge = select_child(nodes, edges, 0, forced[index])
        node = 0
        while True:
            child = edges[edge].child
            if child == UNVISITED:
                expand(trees, game, node, edge, board, work)
                break
            node = child
            if nodes[node].kind != OPEN:
                queue_leaf(trees, game, node, False)
                break
            edge = select_child(nodes, edges, node, 0.0)


@compiled
def search_games(
    trees: Trees,
    slots: I32,
    memory: LeafMemory,
    output: EvaluatorOutput,
    forced: F64,
    limits: I32,
    first: int,
    last: int,
    board: GameTables,
    work: GameWorkspace,
    actions: I32,
) -> None:
    """Run all simulations of the games `first` … `last`−1, one game after the other; `actions` is scratch memory."""
    for index in range(first, last):
        game = slots[index]
        simulate(trees, slots, output, forced, limits, index, index + 1, board, work)
        while trees.leaves[game] != NONE:
            evaluate_queued_leaf(memory, trees, game, board, work, actions, output)
            simulate(trees, slots, output, forced, limits, index, index + 1, board, work)


@compiled
def pruned_visits(trees: Trees, game: int, forced: float, out: F64) -> None:
    """Write the root's visits without those that only the forced playouts explain into `out` (KataGo, section 3.2).

    Each action but the most visited one loses up to its forced playouts, as long as its score stays below that of the
    most visited one; what is left with a single visit loses that as well.
    """
    row = trees.nodes[game, 0]
    seat = row.player - 1
    visits = row.visits - 1
    scale = exploration(visits) * np.sqrt(max(visits, 1))
    best = 0
    for i in range(row.edge_count):
        if trees.edges[game, row.first_edge + i].visits > trees.edges[game, row.first_edge + best].visits:
            best = i
    top = trees.edges[game, row.first_edge + best]
    limit = top.value_sum[seat] / max(top.visits, 1) + scale * top.prior / (1 + top.visits)
    for i in range(row.edge_count):
        edge = trees.edges[game, row.first_edge + i]
        n = edge.visits
        out[i] = n
        if i == best or n == 0 or forced == 0:
            continue
        q = edge.value_sum[seat] / n
        removable = int(np.sqrt(forced * edge.prior * visits))
        while removable > 0 and n > 0 and q + scale * edge.prior / n < limit:
            n -= 1
            removable -= 1
        out[i] = 0 if n <= 1 else n


@compiled
def write_outputs(
    trees: Trees, slots: I32, forced: F64, output: SearchOutput, first: int, last: int, pruned: F64
) -> None:
    """Write the outputs of roots: most visited action, pruned policy, visits, mean value and surprise."""
    for index in range(first, last):
        game = slots[index]
        row = trees.nodes[game, 0]
        start = output.policy_offsets[index]
        write_root(trees, game, index, output)
        if row.edge_count == 0:
            continue
        pruned_visits(trees, game, forced[index], pruned)
        total = 0.0
        best = 0
        for i in range(row.edge_count):
            total += pruned[i]
            if pruned[i] > pruned[best]:
                best = i
        output.chosen_actions[index] = trees.edges[game, row.first_edge + best].action
        for i in range(row.edge_count):
            output.policy_probs[start + i] = pruned[i] / total
        write_surprise(trees, game, index, output)


class PuctSearch(BatchedSearch):
    """PUCT search of the positions of many games side by side."""

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
        """Make a search; `noise`, for self-play, is Dirichlet noise and forced playouts at the root of full searches.

        `cap` gives some decisions fewer simulations. With `reuse`, a game's next search goes on with what the last one
        knows of the position, and those simulations count; tell `forget` of games that are over. `seed` names the run,
        and `threads` and `groups` are those of `BatchedSearch`.
        """
        super().__init__(board, players, evaluator, nodes=simulations + 1, threads=threads, groups=groups, reuse=reuse)
        self.simulations = simulations
        self.noise_share = NOISE_SHARE if noise else 0.0
        self.forced = FORCED_PLAYOUTS if noise else 0.0
        self.cap = cap
        self.seed = np.uint64(seed)

    def run(self, states: States, games: I64 | None = None) -> SearchOutput:
        """Search positions `[games]` in which somebody has to act; `games` are their numbers in the run."""
        adapter = self.adapter
        numbers = np.arange(len(states), dtype=np.int64) if games is None else games
        self.init_roots(states, numbers)
        trees, slots = self.trees, self.slots
        full = full_searches(states, numbers, self.seed, self.cap)
        limits = simulation_limits(full, self.simulations, self.cap)
        add_dirichlet_noise(trees, slots, numbers, self.seed, self.noise_share, full, np.empty(adapter.max_actions))
        forced = np.where(full, self.forced, 0.0)

        def begin_next(evaluated: EvaluatorOutput, first: int, last: int) -> None:
            simulate(trees, slots, evaluated, forced, limits, first, last, adapter.tables, adapter.workspace())

        def search(memory: LeafMemory, output: EvaluatorOutput, first: int, last: int) -> None:
            actions = np.empty(adapter.max_actions, np.int32)
            one = (trees, slots, memory, output, forced, limits, first, last)
            search_games(*one, adapter.tables, adapter.workspace(), actions)

        spent = trees.nodes["visits"][slots, 0] - 1
        self.run_simulations(int((limits - spent).max(initial=0)), begin_next, search)
        output = self.empty_output(full)

        def read(first: int, last: int) -> None:
            write_outputs(trees, slots, forced, output, first, last, np.empty(adapter.max_actions))

        self.share_out(len(states), read)
        return output
