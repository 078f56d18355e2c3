"""What every search over many games does alike: plant roots, walk, let the evaluator answer, and so on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from ringrift.game.boards import Board
from ringrift.kernels.compiled import compiled
from ringrift.kernels.threads import share_out
from ringrift.search.evaluators import Evaluator
from ringrift.search.game_adapter import GameAdapter, adapter_of
from ringrift.search.output import SearchOutput, empty_output, ragged_offsets
from ringrift.search.tree import (
    NOTHING,
    Answers,
    find_node,
    gather,
    lay_out,
    new_trees,
    no_answers,
    plant_root,
    reroot,
    settle,
)

States = np.ndarray[Any, np.dtype[np.void]]
Games = npt.NDArray[np.int64]

GAMES_PER_PART = 8
"""Waking a thread takes about as long as a step of that many small games."""


@compiled
def plant_roots(trees: Any, slots: Any, states: Any, first: int, last: int, board: Any, work: Any) -> None:
    """Start the trees of `slots[first … last−1]` anew from `states`."""
    for index in range(first, last):
        trees.states[slots[index], 0] = states[index]
        plant_root(trees, slots[index], board, work)


@compiled
def reroot_or_plant(
    trees: Any,
    slots: Any,
    states: Any,
    images: Any,
    tree_images: Any,
    first: int,
    last: int,
    board: Any,
    work: Any,
    kept: Any,
) -> None:
    """Go on with the part of each tree that begins at the game's position, or start anew where there is none.

    `images` `[games, bytes]` and `tree_images` `[slots, nodes, bytes]` are the bytes of the states.
    """
    for index in range(first, last):
        slot = slots[index]
        node = find_node(trees, slot, states[index].ply, images[index], tree_images)
        if node == NOTHING:
            trees.states[slot, 0] = states[index]
            plant_root(trees, slot, board, work)
        else:
            reroot(trees, slot, node, kept)


@compiled
def settle_all(trees: Any, slots: Any, answers: Any, first: int, last: int) -> None:
    """Settle the leaves of `slots[first … last−1]`."""
    for slot in slots[first:last]:
        settle(trees, slot, answers)


def without_padding(states: States) -> States:
    """A copy in which the bytes between the fields are 0, so that equal states have equal bytes.

    Where numpy picks rows of an array, it leaves in those bytes what the memory held before.
    """
    clean: States = np.zeros(states.shape, states.dtype)  # `zeros_like` leaves them too
    clean[...] = states
    return clean


class Group:
    """Games that are evaluated together, and the buffers of their batch."""

    def __init__(self, slots: npt.NDArray[np.int32], first: int, adapter: GameAdapter, players: int) -> None:
        self.slots = slots
        self.first = first
        """Place of the group's first game in the call."""
        self.offsets = np.zeros(len(slots) + 1, np.int64)
        self.states = np.empty(len(slots), adapter.state_type)
        self.actions = np.empty(0, np.int32)
        self.answers: Future[Answers] | Answers = no_answers(players)


class BatchedSearch:
    """The trees of many games with the evaluator that feeds them; the arenas are used again by every search."""

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
        """`nodes` per game: one more than the simulations.

        With two `groups`, the evaluator works on one half of the games while the other half walks: for evaluators that
        leave the cores alone. With `reuse`, the tree of a game is kept for its next position until `forget`.
        """
        self.adapter = adapter_of(board)
        self.players = players
        self.evaluator = evaluator
        self.nodes = nodes
        self.trees = new_trees(self.adapter, 0, nodes)
        self.threads = threads
        self.evaluating = ThreadPoolExecutor(1) if groups > 1 else None
        self.group_count = groups
        self.reuse = reuse
        self.slots_of: dict[int, int] = {}
        self.slots = np.empty(0, np.int32)
        self.groups: list[Group] = []

    def plant(self, states: States, games: Games) -> None:
        """Begin with positions `[games]` of the games with those numbers, and evaluate the roots."""
        states = without_padding(states)
        self.slots = self._take_slots(games)
        adapter, trees = self.adapter, self.trees
        if self.reuse:
            images = np.ascontiguousarray(states).view(np.uint8).reshape(len(states), -1)
            tree_images = trees.states.view(np.uint8).reshape(*trees.states.shape, -1)

            def plant(first: int, last: int) -> None:
                work = adapter.workspace()
                kept = np.empty(self.nodes, np.int32)
                reroot_or_plant(trees, self.slots, states, images, tree_images, first, last, adapter.tables, work, kept)
        else:

            def plant(first: int, last: int) -> None:
                plant_roots(trees, self.slots, states, first, last, adapter.tables, adapter.workspace())

        self.share_out(len(states), plant)
        count = min(self.group_count, len(states))
        bounds = [len(states) * group // max(count, 1) for group in range(count + 1)]
        self.groups = [Group(self.slots[first:last], first, adapter, self.players) for first, last in pairwise(bounds)]
        self._ask_and_settle()

    def grow(self, simulations: int, walk: Callable[[Answers, int, int], None]) -> None:
        """Run simulations; `walk(answers, first, last)` settles the leaves and goes to new ones.

        `first` … `last`−1 are places in the call.
        """
        for _ in range(simulations):
            for group in self.groups:
                self._walk(group, walk)
                self._ask(group)
        self._settle()

    def forget(self, games: Games) -> None:
        """Give up the trees of games that are over."""
        for game in games.tolist():
            slot = self.slots_of.pop(game, None)
            if slot is not None:
                self.trees.used_nodes[slot] = 0

    def empty_output(self, has_policy: npt.NDArray[np.bool_]) -> SearchOutput:
        """Return an output of the right sizes, to be filled."""
        offsets = ragged_offsets(self.trees.nodes["edges"][self.slots, 0])
        return empty_output(offsets, np.empty(offsets[-1], np.int32), self.players, has_policy=has_policy)

    def _walk(self, group: Group, walk: Callable[[Answers, int, int], None]) -> None:
        answers = self._answers(group)
        start = group.first
        self.share_out(len(group.slots), lambda first, last: walk(answers, start + first, start + last))

    def share_out(self, count: int, run: Callable[[int, int], None]) -> None:
        """Call `run(first, last)` for parts of 0 … `count`−1, on the threads of the forest."""
        share_out(count, run, threads=self.threads, grain=GAMES_PER_PART)

    def _take_slots(self, games: Games) -> npt.NDArray[np.int32]:
        """The slots of those games: their own ones with `reuse`, else simply the first."""
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

    def _ask(self, group: Group) -> None:
        """Put the leaves of a group that need it before the evaluator."""
        trees, offsets = self.trees, group.offsets
        rows = lay_out(trees, group.slots, offsets)
        total = int(offsets[rows])
        if total > len(group.actions):
            group.actions = np.empty(total + total // 2, np.int32)
        batch = (offsets[: rows + 1], group.states[:rows], group.actions[:total])
        self.share_out(len(group.slots), lambda first, last: gather(trees, group.slots, first, last, *batch))
        if rows == 0:
            group.answers = no_answers(self.players)
        elif self.evaluating:
            group.answers = self.evaluating.submit(self._evaluate, *batch)
        else:
            group.answers = self._evaluate(*batch)

    def _evaluate(self, offsets: npt.NDArray[np.int64], states: States, actions: npt.NDArray[np.int32]) -> Answers:
        return Answers(offsets, *self.evaluator(states, offsets, actions))

    def _answers(self, group: Group) -> Answers:
        return group.answers.result() if isinstance(group.answers, Future) else group.answers

    def _ask_and_settle(self) -> None:
        for group in self.groups:
            self._ask(group)
        self._settle()

    def _settle(self) -> None:
        """Settle all leaves."""
        for group in self.groups:
            settle_all(self.trees, group.slots, self._answers(group), 0, len(group.slots))
