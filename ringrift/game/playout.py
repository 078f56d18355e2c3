"""Many games at once, on all cores: uniformly random play and move counting.

Threads run the kernels side by side, because these hold no lock. A game depends on its seed and its index alone, so the
number of threads changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ringrift.game.boards import Board
from ringrift.game.compiled import compiled
from ringrift.game.rng import random_below
from ringrift.game.state import GAME_OVER, new_states, new_workspace
from ringrift.game.turn import legal_actions, step

NO_LIMIT = np.iinfo(np.int32).max

States = np.ndarray[Any, np.dtype[np.void]]


@dataclass(frozen=True)
class Playouts:
    """Finished random games."""

    states: States
    """`[games]`, the last position of each."""
    actions: npt.NDArray[np.int32]
    """`[games, max_actions]`, the actions played, −1 after the last; width 0 if they were not kept."""
    action_counts: npt.NDArray[np.int64]
    """`[games]`, actions played in each."""
    legal_counts: npt.NDArray[np.int64]
    """`[games]`, legal actions offered, summed over the game."""


@compiled
def play_randomly(
    states: Any,
    first: int,
    last: int,
    board: Any,
    work: Any,
    seed: np.uint64,
    max_moves: int,
    kept: Any,
    action_counts: Any,
    legal_counts: Any,
) -> None:
    """Play the games `first` … `last`−1 to their end, or to the limit of moves, with uniformly random actions."""
    out = work.actions
    for game in range(first, last):
        state = states[game]
        played = 0
        offered = 0
        while state.phase != GAME_OVER and state.ply < max_moves:
            count = legal_actions(state, board, work, out)
            action = out[random_below(seed, game, played, count)]
            if played < kept.shape[1]:
                kept[game, played] = action
            step(state, action, board, work)
            played += 1
            offered += count
        action_counts[game] = played
        legal_counts[game] = offered


def default_threads() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def shared_pool(threads: int, process: int) -> ThreadPoolExecutor:
    """The threads of this process, made once: searches meet on them thousands of times a second.

    `process` is `os.getpid()`: a forked process has none of its parent's threads and needs its own.
    """
    return ThreadPoolExecutor(threads)


def on_threads(board: Board, games: int, threads: int, run: Callable[[int, int, Any], None]) -> None:
    """Call `run(first, last, workspace)` on chunks of the games, small enough that all threads end together."""
    if threads == 1:
        run(0, games, new_workspace(board))
        return
    chunk = max(1, -(-games // (threads * 8)))
    spans = [(first, min(first + chunk, games)) for first in range(0, games, chunk)]
    pool = shared_pool(threads, os.getpid())
    for done in [pool.submit(run, first, last, new_workspace(board)) for first, last in spans]:
        done.result()


def random_playouts(
    board: Board,
    players: int,
    games: int,
    seed: int = 0,
    *,
    max_moves: int | None = None,
    keep_actions: int = 0,
    threads: int | None = None,
) -> Playouts:
    """Play random games from the start; `keep_actions` is how many actions of each to keep."""
    states = new_states(board, players, games)
    kept = np.full((games, keep_actions), -1, np.int32)
    action_counts = np.zeros(games, np.int64)
    legal_counts = np.zeros(games, np.int64)
    limit = NO_LIMIT if max_moves is None else max_moves

    def run(first: int, last: int, work: Any) -> None:
        play_randomly(
            states, first, last, board.tables, work, np.uint64(seed), limit, kept, action_counts, legal_counts
        )

    on_threads(board, games, threads or default_threads(), run)
    return Playouts(states, kept, action_counts, legal_counts)


def perft(board: Board, state: Any, depth: int) -> int:
    """Number of action sequences of that length from a position; games that end earlier count as one."""
    work = new_workspace(board)
    buffers = np.empty((depth, board.max_actions), np.int32)
    states = np.zeros(depth, state.dtype)
    states[0] = state

    def count(level: int) -> int:
        legal = legal_actions(states[level], board.tables, work, buffers[level])
        if level == depth - 1 or legal == 0:
            return max(legal, 1)
        total = 0
        for action in buffers[level, :legal].tolist():
            states[level + 1] = states[level]
            step(states[level + 1], action, board.tables, work)
            total += count(level + 1)
        return total

    return count(0)
