"""Gumbel AlphaZero search (Danihelka, Guez, Schrittwieser, Silver: Policy improvement by planning with Gumbel, 2022).

At the root a number of actions is drawn without replacement by the Gumbel-top-k trick and halved again and again as
the simulations are spent; below it the search is deterministic and follows the improved policy. Both judge an action
by prior logit + sigma(completed Q), and softmax of the same sum is the policy that a network should learn.

Any number of games are searched in lockstep, one evaluator call per simulation for all of them.
"""

from __future__ import annotations

from functools import cache
from math import ceil, log2
from typing import Final

import numpy as np

from ringrift.game.boards import Board
from ringrift.game.types import States
from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import uniform
from ringrift.kernels.types import F32, F64, I32, I64, Bool, Records
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

BUDGETS: Final = {"throughput": 64, "standard": 150, "quality": 800, "ultimate": 1600}
"""Simulations per decision, by name."""

MAX_CONSIDERED_ACTIONS: Final = 16
"""The paper's choice for Go and chess; larger numbers change little there."""
VALUE_SCALE: Final = 0.5
VISIT_OFFSET: Final = 50.0
"""sigma(q) = (VISIT_OFFSET + most visits of an action) × VALUE_SCALE × q for q from −1 to 1, as the paper has it for Go
and chess: 50 and 1 for q from 0 to 1. Values are not rescaled to the least and the greatest of a node, as for games
with scores: that makes policies as sure of noise as of what wins (docs/results/README.md)."""


@cache
def considered_visits(considered: int, simulations: int) -> I32:
    """Return sequential halving as a table: `[simulations]`, the visits that the action to try next must have had.

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
def considered_table(most: int, simulations: int) -> I32:
    """Return `considered_visits` for every number of actions up to `most`: `[most + 1, simulations]`."""
    return np.stack([considered_visits(considered, simulations) for considered in range(most + 1)])


@compiled
def improved_logits(nodes: Records, edges: Records, node: int, count: int, scores: F64) -> None:
    """Write log prior + sigma(completed Q) of a node's first `count` edges into `scores`, for the player who decides.

    `nodes` and `edges` are the arenas of one game; no edge beyond the first `count` has been visited. An
    unvisited action is completed with the mix of the node's own value and the visited actions' values (appendix D of
    the paper).
    """
    row = nodes[node]
    seat = row.player - 1
    first = row.first_edge
    visits = 0
    most = 0
    visited_prior = 0.0
    weighted = 0.0
    for i in range(count):
        edge = edges[first + i]
        if edge.visits > 0:
            q = edge.value_sum[seat] / edge.visits
            scores[i] = q
            visits += edge.visits
            most = max(most, edge.visits)
            visited_prior += edge.prior
            weighted += float(edge.prior) * q
    mixed = float(row.raw_value[seat])
    if visits > 0:
        mixed = (mixed + visits * weighted / max(visited_prior, 1e-30)) / (visits + 1)
    scale = (VISIT_OFFSET + most) * VALUE_SCALE
    for i in range(count):
        edge = edges[first + i]
        q = scores[i] if edge.visits > 0 else mixed
        scores[i] = edge.logit + scale * q


@compiled
def softmax(scores: F64, count: int) -> None:
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
def select_child(nodes: Records, edges: Records, node: int, scores: F64) -> int:
    """Return the edge whose share of the visits lags most behind the improved policy (equation 14 of the paper)."""
    row = nodes[node]
    improved_logits(nodes, edges, node, row.edge_count, scores)
    softmax(scores, row.edge_count)
    visits = row.visits - 1  # without the one that made the node
    best = 0
    best_gap = -1e30
    for i in range(row.edge_count):
        gap = scores[i] - edges[row.first_edge + i].visits / (1 + visits)
        if gap > best_gap:
            best, best_gap = i, gap
    return int(row.first_edge + best)


@compiled
def select_root_child(nodes: Records, edges: Records, considered: int, wanted: int, noise: F32, scores: F64) -> int:
    """Return the best of the considered edges with the wanted visits, by noise + log prior + sigma(completed Q)."""
    row = nodes[0]
    improved_logits(nodes, edges, 0, considered, scores)
    best = -1
    best_score = -1e30
    for i in range(considered):
        if edges[row.first_edge + i].visits == wanted and noise[i] + scores[i] > best_score:
            best, best_score = i, noise[i] + scores[i]
    return int(row.first_edge + best)


@compiled
def simulate(
    trees: Trees,
    slots: I32,
    evaluated: EvaluatorOutput,
    noise: F32,
    tables: I32,
    full: Bool,
    limits: I32,
    first: int,
    last: int,
    board: GameTables,
    work: GameWorkspace,
    scores: F64,
) -> None:
    """Complete the last simulation of the games `first` … `last`−1, and begin the next where there are some left."""
    most = tables.shape[1] - 1
    for index in range(first, last):
        game = slots[index]
        complete_simulation(trees, game, evaluated)
        nodes, edges = trees.nodes[game], trees.edges[game]
        root = nodes[0]
        simulation = root.visits - 1
        if root.kind != OPEN or simulation >= limits[index]:
            continue
        considered = min(most, root.edge_count)
        wanted = tables[0 if full[index] else 1, considered, simulation]
        edge = select_root_child(nodes, edges, considered, wanted, noise[index], scores)
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
            edge = select_child(nodes, edges, node, scores)


@compiled
def search_games(
    trees: Trees,
    slots: I32,
    memory: LeafMemory,
    output: EvaluatorOutput,
    noise: F32,
    tables: I32,
    full: Bool,
    limits: I32,
    first: int,
    last: int,
    board: GameTables,
    work: GameWorkspace,
    scores: F64,
    actions: I32,
) -> None:
    """Run all simulations of the games `first` … `last`−1, one game after the other; `actions` is scratch memory."""
    for index in range(first, last):
        game = slots[index]
        simulate(trees, slots, output, noise, tables, full, limits, index, index + 1, board, work, scores)
        while trees.leaves[game] != NONE:
            evaluate_queued_leaf(memory, trees, game, board, work, actions, output)
            simulate(trees, slots, output, noise, tables, full, limits, index, index + 1, board, work, scores)


@compiled
def draw_noise(trees: Trees, slots: I32, games: I64, seed: np.uint64, noise: F32, first: int, last: int) -> None:
    """Draw Gumbel numbers for the actions of the roots `first` … `last`−1, keyed by run, game and decision."""
    for index in range(first, last):
        key = decision_key(seed, games[index], trees.states[slots[index], 0])
        for i in range(trees.nodes[slots[index], 0].edge_count):
            noise[index, i] = -np.log(-np.log(uniform(key, i)))


@compiled
def move_considered_to_front(trees: Trees, slots: I32, noise: F32, considered: int, first: int, last: int) -> None:
    """Move the edges that the root will try, the best by noise + log prior, before all others.

    So a simulation never reads the hundreds of others.
    """
    for index in range(first, last):
        root = trees.nodes[slots[index], 0]
        edges = trees.edges[slots[index]]
        for place in range(min(considered, root.edge_count)):
            best = place
            for i in range(place + 1, root.edge_count):
                gain = noise[index, i] + edges[root.first_edge + i].logit
                if gain > noise[index, best] + edges[root.first_edge + best].logit:
                    best = i
            if best != place:  # nothing has been visited, so action, logit and prior are all that differs
                one, other = edges[root.first_edge + place], edges[root.first_edge + best]
                one.action, other.action = other.action, one.action
                one.logit, other.logit = other.logit, one.logit
                one.prior, other.prior = other.prior, one.prior
                noise[index, place], noise[index, best] = noise[index, best], noise[index, place]


@compiled
def write_outputs(
    trees: Trees, slots: I32, noise: F32, considered: int, output: SearchOutput, first: int, last: int, scores: F64
) -> None:
    """Write the outputs of roots: chosen action, improved policy, visits, mean value and surprise."""
    for index in range(first, last):
        game = slots[index]
        nodes, edges = trees.nodes[game], trees.edges[game]
        row = nodes[0]
        start = output.policy_offsets[index]
        write_root(trees, game, index, output)
        most = 0
        for i in range(row.edge_count):
            most = max(most, output.visits[start + i])
        if row.edge_count > 0:
            best = select_root_child(nodes, edges, min(considered, row.edge_count), most, noise[index], scores)
            output.chosen_actions[index] = edges[best].action
            improved_logits(nodes, edges, 0, row.edge_count, scores)
            softmax(scores, row.edge_count)
            for i in range(row.edge_count):
                output.policy_probs[start + i] = scores[i]
            write_surprise(trees, game, index, output)


class GumbelSearch(BatchedSearch):
    """Gumbel AlphaZero search of the positions of many games side by side."""

    def __init__(
        self,
        board: Board | GameAdapter,
        players: int,
        evaluator: Evaluator,
        *,
        simulations: int = BUDGETS["standard"],
        max_considered_actions: int = MAX_CONSIDERED_ACTIONS,
        noise: bool = True,
        cap: PlayoutCap | None = None,
        seed: int = 0,
        threads: int | None = None,
        groups: int = 1,
    ) -> None:
        """Make a search with `simulations` per decision, whose root draws some actions, by prior alone without `noise`.

        With 0 simulations and noise, the action is a sample of the prior, and no policy is worth learning. `cap` gives
        some decisions fewer simulations, `seed` names the run, and `threads` and `groups` are those of `BatchedSearch`.
        """
        super().__init__(board, players, evaluator, nodes=simulations + 1, threads=threads, groups=groups)
        self.simulations = simulations
        self.max_considered_actions = max_considered_actions
        fast = considered_table(max_considered_actions, cap.fast_simulations if cap else 0)
        self.tables = np.zeros((2, max_considered_actions + 1, simulations), np.int32)
        self.tables[0] = considered_table(max_considered_actions, simulations)
        self.tables[1, :, : fast.shape[1]] = fast
        self.noise = noise
        self.cap = cap
        self.seed = np.uint64(seed)

    def run(self, states: States, games: I64 | None = None) -> SearchOutput:
        """Search positions `[games]` in which somebody has to act; `games` are their numbers in the run."""
        adapter = self.adapter
        numbers = np.arange(len(states), dtype=np.int64) if games is None else games
        self.init_roots(states, numbers)
        trees, slots = self.trees, self.slots
        noise = np.zeros((len(states), adapter.max_actions), np.float32)

        def draw(first: int, last: int) -> None:
            if self.noise:
                draw_noise(trees, slots, numbers, self.seed, noise, first, last)
            move_considered_to_front(trees, slots, noise, self.max_considered_actions, first, last)

        self.share_out(len(states), draw)
        full = full_searches(states, numbers, self.seed, self.cap) & (self.simulations > 0)
        limits = simulation_limits(full, self.simulations, self.cap)

        def begin_next(evaluated: EvaluatorOutput, first: int, last: int) -> None:
            work = adapter.workspace()
            scores = np.empty(adapter.max_actions)
            simulate(
                trees, slots, evaluated, noise, self.tables, full, limits, first, last, adapter.tables, work, scores
            )

        def search(memory: LeafMemory, output: EvaluatorOutput, first: int, last: int) -> None:
            room = np.empty(adapter.max_actions), np.empty(adapter.max_actions, np.int32)
            one = (trees, slots, memory, output, noise, self.tables, full, limits, first, last)
            search_games(*one, adapter.tables, adapter.workspace(), *room)

        self.run_simulations(int(limits.max(initial=0)), begin_next, search)
        output = self.empty_output(full)

        def read(first: int, last: int) -> None:
            write_outputs(
                trees, slots, noise, self.max_considered_actions, output, first, last, np.empty(adapter.max_actions)
            )

        self.share_out(len(states), read)
        return output
