"""Descent: best-first minimax over any evaluator, with completion (Cohen-Solal: Learning to play two-player
perfect-information games without knowledge, 2020).

The tree grows along its best line by one node at a time, and a node grows all its children at once: they are made,
evaluated in one batch for all games, and the best values go up. Values are vectors by seat and every player takes what
is best for itself, so it is minimax for two players and max^n for more. Finished games are exact. A node is *solved*
when its best action is a solved win or all its actions are solved; then it is not visited again, and the search turns
to what is still open.

Every iteration starts at the root and ends at the first new node, the paper's way of playing. To follow each line to
the end of the game, its way of learning, is weaker at the board: with 200 expansions it won 65 % of 20 games against
minimax@1 on square8, this 90 to 95 %.

Values shrink by `DECAY` with every decision, which makes sooner wins and later losses better.
"""

from __future__ import annotations

import time
from math import inf
from typing import Any, Final, Protocol

import numpy as np

from ringrift.game.boards import MAX_PLAYERS, Board
from ringrift.game.types import States
from ringrift.kernels.compiled import compiled
from ringrift.kernels.threads import share_out
from ringrift.kernels.types import F32, I64, Bool, Record
from ringrift.search.evaluators import Evaluator
from ringrift.search.game_adapter import GameAdapter, GameTables, GameWorkspace, adapter_of, outcome, step
from ringrift.search.maxn import DECAY
from ringrift.search.output import SearchOutput, empty_output, ragged_offsets
from ringrift.search.tree import NONE, OPEN, SOLVED, UNVISITED, Trees, expand, init_root, new_trees, play_forced

EXPANSIONS: Final = 200
BATCH: Final = 4096
"""Positions that the evaluator gets at once, at most."""
SURE: Final = 5 / 6
"""A solved value beyond this is a win, below its opposite a loss: no shared or middle rank comes so far, and `DECAY`
takes hundreds of decisions to cross it."""
BEYOND: Final = 2.0
"""Added to solved wins and taken from solved losses in comparisons: no evaluation comes so far."""

EDGE_TYPE: Final = np.dtype(
    [
        ("action", np.int32),
        ("child", np.int32),
        ("visits", np.int32),
        ("solved", np.bool_),
        ("value", np.float32, (MAX_PLAYERS,)),  # of what the action leads to, by seat
    ],
    align=True,
)


class DescentEdge(Record, Protocol):
    """An element of `EDGE_TYPE`."""

    action: int
    child: int
    visits: int
    solved: bool
    value: F32


@compiled
def completed_value(edge: DescentEdge, seat: int) -> float:
    """Return what an edge is worth to a seat: solved wins come before all evaluations, solved losses after them."""
    value = edge.value[seat]
    if edge.solved and abs(value) >= SURE:
        return float(value + BEYOND if value > 0 else value - BEYOND)
    return float(value)


@compiled
def best_edge(trees: Trees, game: int, node: int, unsolved: bool) -> int:
    """Return the edge that is worth most to who decides at a node; with `unsolved`, of those that are not solved.

    Of equals the one with fewer visits, then the first; `NONE` if there is none.
    """
    row = trees.nodes[game, node]
    edges = trees.edges[game]
    best = NONE
    for index in range(row.first_edge, row.first_edge + row.edge_count):
        edge = edges[index]
        if unsolved and edge.solved:
            continue
        if best != NONE:
            gain = completed_value(edge, row.player - 1) - completed_value(edges[best], row.player - 1)
            if gain < 0 or (gain == 0 and edge.visits >= edges[best].visits):
                continue
        best = index
    return best


@compiled
def init_edges(trees: Trees, game: int, node: int) -> None:
    """Mark the new edges of a node as open."""
    row = trees.nodes[game, node]
    for edge in range(row.first_edge, row.first_edge + row.edge_count):
        trees.edges[game, edge].solved = False


@compiled
def init_roots(trees: Trees, board: GameTables, first: int, last: int, work: GameWorkspace) -> None:
    """Start the trees of the games `first` … `last`−1 anew from `trees.states[:, 0]`."""
    for game in range(first, last):
        init_root(trees, game, board, work)
        init_edges(trees, game, 0)


@compiled
def simulate(trees: Trees, board: GameTables, first: int, last: int, work: GameWorkspace) -> None:
    """Follow the best unsolved edges to a new node in each of the games `first` … `last`−1.

    Its index goes to `trees.leaves`; `NONE` if a search has ended: the root is solved or leaves no choice, or the arena
    is full.
    """
    for game in range(first, last):
        trees.leaves[game] = NONE
        full = trees.used_edges[game] + len(work.actions) > trees.edges.shape[1]
        root = trees.nodes[game, 0]
        if full or root.kind != OPEN or root.edge_count == 1:
            continue
        node = 0
        edge = best_edge(trees, game, node, True)
        while trees.edges[game, edge].child != UNVISITED:
            node = trees.edges[game, edge].child
            edge = best_edge(trees, game, node, True)
        expand(trees, game, node, edge, board, work)
        init_edges(trees, game, trees.leaves[game])


@compiled
def make_children(
    trees: Trees,
    games: I64,
    offsets: I64,
    start: int,
    batch: States,
    open_: Bool,
    board: GameTables,
    first: int,
    last: int,
    work: GameWorkspace,
) -> None:
    """Make the children `start + first` … `start + last`−1, all leaves' children in a row; finished games are judged.

    The leaves are those of `games`, the children of the i-th are `offsets[i]` … `offsets[i + 1]`−1. Child `start + k`
    goes to `batch[k]`, and whether its game goes on to `open_[k]`.
    """
    i = np.searchsorted(offsets, start + first, "right") - 1
    for k in range(first, last):
        child = start + k
        while child >= offsets[i + 1]:
            i += 1
        game = games[i]
        leaf = trees.leaves[game]
        edge = trees.edges[game, trees.nodes[game, leaf].first_edge + child - offsets[i]]
        batch[k] = trees.states[game, leaf]
        step(batch[k], edge.action, board, work)
        open_[k] = play_forced(batch[k], board, work) > 0
        if not open_[k]:
            edge.solved = True
            outcome(batch[k], edge.value)


@compiled
def write_values(trees: Trees, games: I64, offsets: I64, children: I64, values: F32) -> None:
    """Give some of the leaves' children the evaluator's values, `[children, players]`."""
    i = 0
    for k in range(len(children)):
        while children[k] >= offsets[i + 1]:
            i += 1
        game = games[i]
        edge = trees.edges[game, trees.nodes[game, trees.leaves[game]].first_edge + children[k] - offsets[i]]
        for seat in range(values.shape[1]):
            edge.value[seat] = values[k, seat]


@compiled
def backup(trees: Trees, games: I64) -> None:
    """Let every node from the leaves up take the values of its best action, and see whether that solves it."""
    for game in games:
        node = trees.leaves[game]
        while node != NONE:
            row = trees.nodes[game, node]
            best = trees.edges[game, best_edge(trees, game, node, False)]
            won = best.solved and best.value[row.player - 1] >= SURE
            if won or best_edge(trees, game, node, True) == NONE:
                row.kind = SOLVED
            if row.parent != NONE:
                above = trees.edges[game, trees.nodes[game, row.parent].first_edge + row.parent_edge]
                above.visits += 1
                above.solved = row.kind == SOLVED
                for seat in range(MAX_PLAYERS):
                    above.value[seat] = best.value[seat] * DECAY
            node = row.parent


@compiled
def is_preferred(edge: DescentEdge, other: DescentEdge, seat: int) -> bool:
    """Tell whether a seat plays one action rather than another: by what is solved, then by visits, then by value."""
    mine, others = completed_value(edge, seat), completed_value(other, seat)
    if abs(mine) <= 1 and abs(others) <= 1 and edge.visits != other.visits:
        return bool(edge.visits > other.visits)
    return bool(mine > others)


@compiled
def write_outputs(trees: Trees, output: SearchOutput) -> None:
    """Write the action to play, its values and the visits; the policy is the visits, but a solved win stands alone."""
    for game in range(len(output.chosen_actions)):
        row = trees.nodes[game, 0]
        edges = trees.edges[game, row.first_edge : row.first_edge + row.edge_count]
        start = output.policy_offsets[game]
        best = 0
        total = 0
        for i in range(len(edges)):
            output.policy_actions[start + i] = edges[i].action
            output.visits[start + i] = edges[i].visits
            total += edges[i].visits
            if is_preferred(edges[i], edges[best], row.player - 1):
                best = i
        output.chosen_actions[game] = edges[best].action
        for seat in range(output.root_values.shape[1]):
            output.root_values[game, seat] = edges[best].value[seat]
        alone = total == 0 or completed_value(edges[best], row.player - 1) > 1
        for i in range(len(edges)):
            output.policy_probs[start + i] = i == best if alone else edges[i].visits / total


class DescentSearch:
    """Descent over the positions of many games side by side."""

    def __init__(
        self,
        board: Board | GameAdapter,
        players: int,
        evaluator: Evaluator,
        *,
        expansions: int = EXPANSIONS,
        threads: int | None = None,
    ) -> None:
        """Make a search; `expansions` are the nodes per position whose children are evaluated, the root among them."""
        self.adapter = adapter_of(board)
        self.players = players
        self.evaluator = evaluator
        self.expansions = expansions
        self.threads = threads
        self.batch = np.zeros(BATCH, self.adapter.state_type)
        self.open = np.zeros(BATCH, np.bool_)
        """`[BATCH]`, the children whose games go on, so that the evaluator has to judge them."""
        self.trees = self._new_trees(0)
        self.seconds = inf

    def limit_time(self, seconds: float) -> None:
        """Expand no further node after that time, in every later search."""
        self.seconds = seconds

    def run(self, states: States, games: I64 | None = None) -> SearchOutput:
        """Search positions `[games]` in which somebody has to act; the output depends on each position alone."""
        if len(self.trees.states) != len(states):
            self.trees = self._new_trees(len(states))
        trees = self.trees
        trees.states[:, 0] = states
        self._share_out(len(states), init_roots, trees)
        self._evaluate_children()
        end = time.perf_counter() + self.seconds
        for _ in range(1, self.expansions):
            if time.perf_counter() >= end:
                break
            self._share_out(len(states), simulate, trees)
            self._evaluate_children()
        offsets = ragged_offsets(trees.nodes["edge_count"][:, 0])
        output = empty_output(offsets, np.empty(offsets[-1], np.int32), self.players)
        write_outputs(trees, output)
        return output

    def _new_trees(self, games: int) -> Trees:
        return new_trees(self.adapter, games, self.expansions, EDGE_TYPE)

    def _share_out(self, count: int, kernel: Any, *arguments: Any) -> None:
        """Call a kernel for parts of 0 … `count`−1 on all cores."""
        adapter = self.adapter

        def run(first: int, last: int) -> None:
            kernel(*arguments, adapter.tables, first, last, adapter.workspace())

        share_out(count, run, threads=self.threads)

    def _evaluate_children(self) -> None:
        """Make and judge the children of the new nodes, and let the values go up."""
        trees = self.trees
        games = np.flatnonzero(trees.leaves != NONE)
        if len(games) == 0:
            return
        offsets = ragged_offsets(trees.nodes["edge_count"][games, trees.leaves[games]])
        for start in range(0, offsets[-1], BATCH):
            count = min(BATCH, offsets[-1] - start)
            batch, open_ = self.batch[:count], self.open[:count]
            self._share_out(count, make_children, trees, games, offsets, start, batch, open_)
            rows = np.flatnonzero(open_)
            if len(rows) > 0:
                _, values = self.evaluator(batch[rows], np.zeros(len(rows) + 1, np.int64), np.empty(0, np.int32))
                write_values(trees, games, offsets, rows + start, values)
        backup(trees, games)
