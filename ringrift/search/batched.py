"""The batched tree search: many games in lockstep, one call of the evaluator per simulation for all of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from math import inf

import numpy as np

from ringrift.game.boards import Board
from ringrift.game.types import States
from ringrift.kernels.compiled import compiled
from ringrift.kernels.threads import default_threads, share_out
from ringrift.kernels.types import I32, I64, U8, Bool
from ringrift.search.evaluators import CompiledEvaluator, Evaluator, Pending, PipelinedEvaluator
from ringrift.search.game_adapter import GameAdapter, GameTables, GameWorkspace, adapter_of
from ringrift.search.leaf_evaluation import LeafMemory, one_row_output
from ringrift.search.output import SearchOutput, empty_output, ragged_offsets
from ringrift.search.tree import (
    NONE,
    EvaluatorOutput,
    Trees,
    assign_rows,
    complete_simulation,
    empty_evaluator_output,
    find_node,
    gather_leaves,
    init_root,
    new_trees,
    reroot,
)

Simulate = Callable[[EvaluatorOutput, int, int], None]
"""`simulate(evaluated, first, last)` completes the last simulation of each game and begins the next; `first` …
`last`−1 are places in the call."""

CompiledSearch = Callable[[LeafMemory, EvaluatorOutput, int, int], None]
"""`search(memory, output, first, last)` runs all simulations of the games at the places `first` … `last`−1, one game
after the other; `memory` and `output` are what the leaves are evaluated with and into."""

GAMES_PER_PART = 8
"""Waking a thread takes about as long as a step of that many small games."""


@compiled
def init_new_roots(
    trees: Trees, slots: I32, states: States, first: int, last: int, board: GameTables, work: GameWorkspace
) -> None:
    """Start the trees of `slots[first … last−1]` anew from `states`."""
    for index in range(first, last):
        trees.states[slots[index], 0] = states[index]
        init_root(trees, slots[index], board, work)


@compiled
def reroot_or_init(
    trees: Trees,
    slots: I32,
    states: States,
    images: U8,
    tree_images: U8,
    first: int,
    last: int,
    board: GameTables,
    work: GameWorkspace,
    kept: I32,
) -> None:
    """Go on with the part of each tree that begins at the game's position, or start anew where there is none.

    `images` `[games, bytes]` and `tree_images` `[slots, nodes, bytes]` are the bytes of the states.
    """
    for index in range(first, last):
        slot = slots[index]
        node = find_node(trees, slot, states[index].ply, images[index], tree_images)
        if node == NONE:
            trees.states[slot, 0] = states[index]
            init_root(trees, slot, board, work)
        else:
            reroot(trees, slot, node, kept)


@compiled
def complete_simulations(trees: Trees, slots: I32, evaluated: EvaluatorOutput) -> None:
    """Complete the simulations of the games in these slots."""
    for slot in slots:
        complete_simulation(trees, slot, evaluated)


def without_padding(states: States) -> States:
    """Return a copy in which the bytes between the fields are 0, so that equal states have equal bytes.

    Where numpy picks rows of an array, it leaves in those bytes what the memory held before.
    """
    clean: States = np.zeros(states.shape, states.dtype)  # `zeros_like` leaves them too
    clean[...] = states
    return clean


class GameGroup:
    """Games that are evaluated together, and the buffers of their batch."""

    def __init__(self, slots: I32, first: int, adapter: GameAdapter, players: int) -> None:
        self.slots = slots
        self.first = first
        """The place of the group's first game in the call."""
        self.offsets = np.zeros(len(slots) + 1, np.int64)
        self.states = np.empty(len(slots), adapter.state_type)
        self.actions = np.empty(0, np.int32)
        self.pending: Pending | None = None
        """The evaluation of the group's last leaves, until it has been waited for."""
        self.evaluated = empty_evaluator_output(players)
        self.rows = 0
        """The leaves in that evaluation."""

    def result(self) -> EvaluatorOutput:
        """Wait for the evaluator's output for the group's last leaves, and return it."""
        if self.pending is not None:
            self.evaluated = EvaluatorOutput(self.offsets[: self.rows + 1], *self.pending())
            self.pending = None
        return self.evaluated


class BatchedSearch:
    """The trees of many games and the evaluator of their leaves; the arenas are used again by every search."""

    def __init__(
        self,
        board: Board | GameAdapter,
        players: int,
        evaluator: Evaluator,
        *,
        nodes: int,
        threads: int | None = None,
        groups: int = 1,
        reuse: bool = False,
    ) -> None:
        """Make a search with `nodes` per game, one more than the simulations.

        With several `groups`, a `PipelinedEvaluator` works on those of the others while the games of one are simulated.
        With `reuse`, the tree of a game is kept for its next position until `forget`.
        """
        self.adapter = adapter_of(board)
        self.players = players
        self.evaluator = evaluator
        self.nodes = nodes
        self.trees = new_trees(self.adapter, 0, nodes)
        self.threads = threads
        self.group_count = groups
        self.reuse = reuse
        self.seconds = inf
        """The time after which no further simulation begins."""
        self.slots_of: dict[int, int] = {}
        self.slots = np.empty(0, np.int32)
        self.groups: list[GameGroup] = []

    def init_roots(self, states: States, games: I64) -> None:
        """Begin with positions `[games]` of the games with those numbers, and evaluate the roots."""
        states = without_padding(states)
        self.slots = self._take_slots(games)
        adapter, trees = self.adapter, self.trees
        if self.reuse:
            images = np.ascontiguousarray(states).view(np.uint8).reshape(len(states), -1)
            tree_images = trees.states.view(np.uint8).reshape(*trees.states.shape, -1)

            def init(first: int, last: int) -> None:
                work = adapter.workspace()
                kept = np.empty(self.nodes, np.int32)
                reroot_or_init(trees, self.slots, states, images, tree_images, first, last, adapter.tables, work, kept)
        else:

            def init(first: int, last: int) -> None:
                init_new_roots(trees, self.slots, states, first, last, adapter.tables, adapter.workspace())

        self.share_out(len(states), init)
        count = min(self.group_count, len(states))
        bounds = [len(states) * group // max(count, 1) for group in range(count + 1)]
        self.groups = [
            GameGroup(self.slots[first:last], first, adapter, self.players) for first, last in pairwise(bounds)
        ]
        for group in self.groups:
            self._evaluate_leaves(group)
        self._complete_simulations()

    def limit_time(self, seconds: float) -> None:
        """Begin no further simulation after that time, in every later search."""
        self.seconds = seconds

    def run_simulations(self, count: int, simulate: Simulate, search: CompiledSearch) -> None:
        """Run `count` simulations of every game, or as many as there is time for.

        An evaluator with a kernel is asked without Python, game by game: for a few games that is several times faster,
        and a game's tree stays in the processor's caches. The numbers are the same.
        """
        if self.seconds == inf and self._run_compiled(search):
            return
        end = time.perf_counter() + self.seconds
        for _ in range(count):
            if time.perf_counter() >= end:
                break
            for group in self.groups:
                self._simulate(group, simulate)
                self._evaluate_leaves(group)
        self._complete_simulations()

    def _run_compiled(self, search: CompiledSearch) -> bool:
        """Run all simulations in compiled code, and return whether the evaluator can do that."""
        if not isinstance(self.evaluator, CompiledEvaluator):
            return False
        evaluator, count, states = self.evaluator, len(self.slots), self.trees.states
        alone = (self.threads or default_threads()) == 1 or count < 2 * GAMES_PER_PART  # as `share_out` has it
        if evaluator.leaf_memory(states, alone=alone) is None:
            return False

        def run(first: int, last: int) -> None:
            output = one_row_output(self.players, self.adapter.max_actions)
            search(evaluator.leaf_memory(states, alone=alone), output, first, last)

        self.share_out(count, run)
        return True

    def forget(self, games: I64) -> None:
        """Give up the trees of games that are over."""
        for game in games.tolist():
            slot = self.slots_of.pop(game, None)
            if slot is not None:
                self.trees.used_nodes[slot] = 0

    def empty_output(self, has_policy: Bool) -> SearchOutput:
        """Return an output of the right sizes, to be filled."""
        offsets = ragged_offsets(self.trees.nodes["edge_count"][self.slots, 0])
        return empty_output(offsets, np.empty(offsets[-1], np.int32), self.players, has_policy=has_policy)

    def share_out(self, count: int, run: Callable[[int, int], None]) -> None:
        """Call `run(first, last)` for parts of 0 … `count`−1, on the threads of the search."""
        share_out(count, run, threads=self.threads, grain=GAMES_PER_PART)

    def _simulate(self, group: GameGroup, simulate: Simulate) -> None:
        evaluated, start = group.result(), group.first
        self.share_out(len(group.slots), lambda first, last: simulate(evaluated, start + first, start + last))

    def _complete_simulations(self) -> None:
        for group in self.groups:
            complete_simulations(self.trees, group.slots, group.result())

    def _evaluate_leaves(self, group: GameGroup) -> None:
        """Put the leaves of a group that need it before the evaluator."""
        trees, offsets = self.trees, group.offsets
        rows = assign_rows(trees, group.slots, offsets)
        total = int(offsets[rows])
        if total > len(group.actions):
            group.actions = np.empty(total + total // 2, np.int32)
        batch = (offsets[: rows + 1], group.states[:rows], group.actions[:total])
        self.share_out(len(group.slots), lambda first, last: gather_leaves(trees, group.slots, first, last, *batch))
        group.rows = rows
        if rows == 0:
            group.evaluated = empty_evaluator_output(self.players)
        elif isinstance(self.evaluator, PipelinedEvaluator):
            group.pending = self.evaluator.begin(group.states[:rows], offsets[: rows + 1], group.actions[:total])
        else:
            output = self.evaluator(group.states[:rows], offsets[: rows + 1], group.actions[:total])
            group.evaluated = EvaluatorOutput(offsets[: rows + 1], *output)

    def _take_slots(self, games: I64) -> I32:
        """Return the slots of those games: their own ones with `reuse`, else simply the first."""
        if not self.reuse:
            if len(self.trees.used_nodes) < len(games):
                self.trees = new_trees(self.adapter, len(games), self.nodes)
            return np.arange(len(games), dtype=np.int32)
        new = [game for game in games.tolist() if game not in self.slots_of]
        size = len(self.trees.used_nodes)
        if len(self.slots_of) + len(new) > size:
            self._add_slots(max(len(self.slots_of) + len(new), size * 3 // 2) - size)
        taken = set(self.slots_of.values())
        free = (slot for slot in range(len(self.trees.used_nodes)) if slot not in taken)
        self.slots_of.update(zip(new, free, strict=False))
        return np.array([self.slots_of[game] for game in games.tolist()], np.int32)

    def _add_slots(self, count: int) -> None:
        """Enlarge the arenas and keep what is in them."""
        old, self.trees = self.trees, new_trees(self.adapter, len(self.trees.used_nodes) + count, self.nodes)
        for before, after in zip(old, self.trees, strict=True):
            after[: len(before)] = before
