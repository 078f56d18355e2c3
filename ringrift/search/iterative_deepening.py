"""Iterative deepening: positions of many games on all cores, each searched deeper and deeper until a limit is met."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ringrift.game.boards import Board
from ringrift.game.state import new_workspace, state_type
from ringrift.heuristic import new_scratch
from ringrift.kernels.threads import default_threads, share_out
from ringrift.search.evaluators import States
from ringrift.search.legal import list_legal
from ringrift.search.output import SearchOutput, empty_output
from ringrift.search.search_stack import LEVELS, UNIT, WIDTHS, begin, order_root, path_type, plant, read_scores

NO_LIMIT: Final = 1 << 62
SLICE: Final = 2048
"""Nodes between two looks at the clock: 1 to 5 ms."""
TABLE_SIZE: Final = 1 << 17
"""Positions that the table of a thread holds; a search of 100 ms visits about as many."""
MARGIN: Final = 8.0
"""With a softness, actions of the root get exact scores up to that many times the softness below the best: the weight
of all others is less than e ** −8."""

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Limits:
    """When the search of a position ends: at the first limit that it meets, but never before depth 1 is done.

    An iteration that is cut short counts as far as it has come: the best action of the one before is searched first.
    """

    depth: int
    """Decisions."""
    nodes: int | None = None
    """Positions made; the output then depends on the position alone."""
    seconds: float | None = None
    """Looked at before every `SLICE` of nodes, so that it is met within a few milliseconds."""


class Arena:
    """What the searches of one thread work on; it is used again for every position."""

    def __init__(self, board: Board, entry_type: np.dtype[np.void]) -> None:
        self.path: Any = np.zeros(1, path_type(board))[0]
        self.states: Array = np.zeros(LEVELS + 1, state_type(board))
        self.table: Array = np.zeros(TABLE_SIZE, entry_type)
        self.work = new_workspace(board)
        self.scratch = new_scratch(board)


class IterativeDeepeningSearch:
    """Searches the positions of many games; every subclass says how one iteration goes on and what it came to."""

    entry_type: np.dtype[np.void]
    advance: Any

    def __init__(
        self,
        board: Board,
        players: int,
        weights: npt.NDArray[np.float64],
        limits: Limits,
        *,
        softness: float = 0.0,
        threads: int | None = None,
    ) -> None:
        """`weights` of the heuristic; all 0 know nothing but the ends of games.

        The policy is a softmax of the actions' values divided by `softness`, at 0 the best action alone.
        """
        self.board = board
        self.players = players
        self.weights = weights
        self.limits = limits
        self.softness = softness
        self.arenas = [Arena(board, self.entry_type) for _ in range(threads or default_threads())]
        for arena in self.arenas:
            self.set_up(arena.path)

    def set_up(self, path: Any) -> None:
        """Settings of a path."""
        path["remembers"] = path["learns"] = path["scouts"] = True
        path["width"] = WIDTHS[self.board.name]
        path["margin"] = int(MARGIN * self.softness * UNIT)

    def read_values(self, path: Any) -> npt.NDArray[np.float32]:
        """The values of the root, `[players]` by seat, that an iteration came to."""
        raise NotImplementedError

    def run(self, states: States, games: npt.NDArray[np.int64] | None = None) -> SearchOutput:
        """Search positions `[games]` in which somebody has to act; the output depends on each position alone."""
        output = empty_output(*list_legal(states, self.board.tables, self.arenas[0].work), self.players)

        def serve(first: int, last: int) -> None:
            arena = self.arenas.pop()
            try:
                for row in range(first, last):
                    self.search(arena, states[row], output, row)
            finally:
                self.arenas.append(arena)

        share_out(len(states), serve, threads=len(self.arenas))
        return output

    def search(self, arena: Arena, state: Any, output: SearchOutput, row: int) -> None:
        """Search one position and write its output."""
        path = arena.path
        mine = slice(*output.policy_offsets[row : row + 2])
        scores = np.zeros(mine.stop - mine.start, np.int32)
        arena.states[0] = state
        plant(path, arena.states, self.board.tables, arena.work)
        for finished in self.deepen(arena):
            output.chosen_actions[row] = path["best_action"][0]
            output.root_values[row] = self.read_values(path)
            if finished and self.softness > 0:
                read_scores(path, output.policy_actions[mine], scores)
        if self.softness > 0:
            values = np.clip(scores / UNIT, -1, 1)
            policy = np.exp((values - values.max()) / self.softness)
            output.policy_probs[mine] = policy / policy.sum()
        else:
            output.policy_probs[mine] = output.policy_actions[mine] == output.chosen_actions[row]

    def deepen(self, arena: Arena) -> Iterator[bool]:
        """Run iteration after iteration; after each that came to something, whether it was finished."""
        path = arena.path
        limits = self.limits
        deadline = inf if limits.seconds is None else time.perf_counter() + limits.seconds
        for depth in range(1, limits.depth + 1):
            order_root(path)
            begin(path, depth)
            finished = self.iterate(arena, NO_LIMIT if limits.nodes is None else limits.nodes, deadline, depth == 1)
            if path["searched"] > 0:
                yield finished
            if not finished or path["legal"] == 1 or path["decided"] or not path["open"][0]:
                return

    def iterate(self, arena: Arena, nodes: int, deadline: float, first: bool) -> bool:
        """One iteration up to a number of nodes or a time; whether it was finished."""
        path = arena.path
        if first:
            nodes, deadline = NO_LIMIT, inf
        while True:
            left = nodes - int(path["nodes"])
            if left <= 0 or time.perf_counter() >= deadline:
                return False
            share = left if deadline == inf else min(left, SLICE)
            if self.advance(
                path, arena.states, arena.table, share, self.board.tables, arena.work, self.weights, arena.scratch
            ):
                return True
