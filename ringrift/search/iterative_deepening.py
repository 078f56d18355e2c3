"""Iterative deepening: positions of many games on all cores, each searched deeper and deeper until a limit is met."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import inf
from typing import Final

import numpy as np

from ringrift.game.boards import Board
from ringrift.game.state import new_workspace, state_type
from ringrift.game.types import BoardTables, State, States, Workspace
from ringrift.heuristic import Weights
from ringrift.kernels.threads import default_threads, share_out
from ringrift.kernels.types import F32, I64, Records
from ringrift.nnue import Network
from ringrift.search.evaluation import Evaluation, new_evaluation
from ringrift.search.legal import list_legal
from ringrift.search.output import SearchOutput, empty_output
from ringrift.search.search_stack import (
    MAX_LEVELS,
    UNIT,
    WIDTHS,
    SearchStack,
    begin_iteration,
    init_root,
    order_root,
    read_scores,
    search_stack_type,
)

NO_LIMIT: Final = 1 << 62
NODES_PER_CLOCK_CHECK: Final = 2048
"""They take 1 to 5 ms."""
TT_SIZE: Final = 1 << 17
"""Positions in the transposition table of a thread; a search of 100 ms visits about as many."""
POLICY_MARGIN: Final = 8.0
"""How far below the best, in temperatures, actions of the root still get exact scores: the weight of all others is less
than e ** −8."""


@dataclass(frozen=True)
class SearchLimits:
    """The limits of a search: it ends at the first that it meets, but never before depth 1 is done.

    An iteration that is cut short counts as far as it has come: the best action of the one before is searched first.
    """

    depth: int
    """Decisions from the root to a leaf, quiescence apart."""
    nodes: int | None = None
    """Positions made; with this limit the output depends on the position alone."""
    seconds: float | None = None
    """The clock is read every `NODES_PER_CLOCK_CHECK` nodes, so that the limit is met within a few milliseconds."""


class ThreadData:
    """The memory of one thread's searches; it is used again for every position."""

    def __init__(self, board: Board, tt_entry_type: np.dtype[np.void], weights: Weights | Network) -> None:
        self.stack: SearchStack = np.zeros(1, search_stack_type(board))[0]
        self.states: States = np.zeros(MAX_LEVELS + 1, state_type(board))
        self.tt: Records = np.zeros(TT_SIZE, tt_entry_type)
        self.work = new_workspace(board)
        self.evaluation = new_evaluation(board, weights, MAX_LEVELS + 1)


class IterativeDeepeningSearch:
    """A search of many games; every subclass says how one iteration goes on and what its values are."""

    tt_entry_type: np.dtype[np.void]
    advance: Callable[[SearchStack, States, Records, int, BoardTables, Workspace, Evaluation], bool]

    def __init__(
        self,
        board: Board,
        players: int,
        weights: Weights | Network,
        limits: SearchLimits,
        *,
        temperature: float = 0.0,
        threads: int | None = None,
    ) -> None:
        """Make a search with `weights` of the heuristic or of a network; all 0 know nothing but the ends of games.

        The policy is a softmax of the actions' values divided by `temperature`, at 0 the best action alone.
        """
        self.board = board
        self.players = players
        self.limits = limits
        self.temperature = temperature
        self.thread_data = [ThreadData(board, self.tt_entry_type, weights) for _ in range(threads or default_threads())]
        for thread in self.thread_data:
            self.configure(thread.stack)

    def configure(self, stack: SearchStack) -> None:
        """Write the settings of the search."""
        stack["use_tt"] = stack["use_history"] = stack["use_pvs"] = True
        stack["width"] = WIDTHS[self.board.name]
        stack["margin"] = int(POLICY_MARGIN * self.temperature * UNIT)

    def read_values(self, stack: SearchStack) -> F32:
        """Return the values of the root, `[players]` by seat, after an iteration."""
        raise NotImplementedError

    def limit_time(self, seconds: float) -> None:
        """Let no position take longer than that, in every later search."""
        limits = self.limits
        self.limits = replace(limits, seconds=min(seconds, inf if limits.seconds is None else limits.seconds))

    def run(self, states: States, games: I64 | None = None) -> SearchOutput:
        """Search positions `[games]` in which somebody has to act; the output depends on each position alone."""
        output = empty_output(*list_legal(states, self.board.tables, self.thread_data[0].work), self.players)

        def search_part(first: int, last: int) -> None:
            thread = self.thread_data.pop()
            try:
                for row in range(first, last):
                    self.search(thread, states[row], output, row)
            finally:
                self.thread_data.append(thread)

        share_out(len(states), search_part, threads=len(self.thread_data))
        return output

    def search(self, thread: ThreadData, state: State, output: SearchOutput, row: int) -> None:
        """Search one position and write its output."""
        stack = thread.stack
        mine = slice(*output.policy_offsets[row : row + 2])
        scores = np.zeros(mine.stop - mine.start, np.int32)
        thread.states[0] = state
        init_root(stack, thread.states, self.board.tables, thread.work, thread.evaluation)
        for finished in self.deepen(thread):
            output.chosen_actions[row] = stack["best_action"][0]
            output.root_values[row] = self.read_values(stack)
            if finished and self.temperature > 0:
                read_scores(stack, output.policy_actions[mine], scores)
        if self.temperature > 0:
            values = np.clip(scores / UNIT, -1, 1)
            policy = np.exp((values - values.max()) / self.temperature)
            output.policy_probs[mine] = policy / policy.sum()
        else:
            output.policy_probs[mine] = output.policy_actions[mine] == output.chosen_actions[row]

    def deepen(self, thread: ThreadData) -> Iterator[bool]:
        """Run iteration after iteration; yield after each that has a result whether it was finished."""
        stack = thread.stack
        limits = self.limits
        deadline = inf if limits.seconds is None else time.perf_counter() + limits.seconds
        for depth in range(1, limits.depth + 1):
            order_root(stack)
            begin_iteration(stack, depth)
            finished = self.iterate(thread, NO_LIMIT if limits.nodes is None else limits.nodes, deadline, depth == 1)
            if stack["searched"] > 0:
                yield finished
            if not finished or stack["legal"] == 1 or stack["decided"] or not stack["has_estimate"][0]:
                return

    def iterate(self, thread: ThreadData, nodes: int, deadline: float, first: bool) -> bool:
        """Run one iteration up to a number of nodes or a time, and return whether it was finished."""
        stack = thread.stack
        if first:
            nodes, deadline = NO_LIMIT, inf
        while True:
            left = nodes - int(stack["nodes"])
            if left <= 0 or time.perf_counter() >= deadline:
                return False
            share = left if deadline == inf else min(left, NODES_PER_CLOCK_CHECK)
            board = self.board.tables
            if self.advance(stack, thread.states, thread.tt, share, board, thread.work, thread.evaluation):
                return True
