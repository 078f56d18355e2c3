"""Many games at once, on all cores: uniformly random play and move counting.

Threads run the kernels side by side, because these hold no lock. A game depends on its seed and its index alone, so the
number of threads changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ringrift.game.boards import Board
from ringrift.game.compiled import compiled
from ringrift.game.rng import mix64, random_below
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
        key = mix64(seed ^ mix64(np.uint64(game)))
        played = 0
        offered = 0
        while state.phase != GAME_OVER and state.ply < max_moves:
            count = legal_actions(state, board, work, out)
            action = out[random_below(key, played, count)]
            if played < kept.shape[1]:
                kept[game, played] = action
            step(state, action, board, work)
            played += 1
            offered += count
        action_counts[game] = played
        legal_counts[game] = offered


@compiled
def play_given(states: Any, first: int, last: int, board: Any, work: Any, actions: Any) -> None:
    """Play the games `first` … `last`−1 through given actions, `[games, length]`, up to the first −1."""
    for game in range(first, last):
        for i in range(actions.shape[1]):
            if actions[game, i] < 0:
                break
            step(states[game], actions[game, i], board, work)


@compiled
def count_leaves(states: Any, buffers: Any, counts: Any, tried: Any, board: Any, work: Any) -> int:
    """Number of action sequences as long as `states` from `states[0]`; games that end earlier count as one.

    The rest is scratch memory per depth: `buffers` `[depth, max_actions]`, `counts` and `tried` `[depth]`, zeroed.
    """
    depth = len(states)
    total = 0
    level = 0
    counts[0] = legal_actions(states[0], board, work, buffers[0])
    while level >= 0:
        if level == depth - 1 or tried[level] == counts[level]:
            if level == depth - 1:
                total += max(counts[level], 1)
            elif counts[level] == 0:
                total += 1
            level -= 1
            continue
        states[level + 1] = states[level]
        step(states[level + 1], buffers[level, tried[level]], board, work)
        tried[level] += 1
        level += 1
        counts[level] = legal_actions(states[level], board, work, buffers[level])
        tried[level] = 0
    return total


def default_threads() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def on_threads(board: Board, games: int, threads: int, run: Callable[[int, int, Any], None]) -> None:
    """Call `run(first, last, workspace)` on chunks of the games, small enough that all threads end together."""
    chunk = max(1, -(-games // (threads * 8)))
    spans = [(first, min(first + chunk, games)) for first in range(0, games, chunk)]
    if threads == 1:
        run(0, games, new_workspace(board))
        return
    with ThreadPoolExecutor(threads) as pool:
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
    states = np.zeros(depth, state.dtype)
    states[0] = state
    buffers = np.empty((depth, board.max_actions), np.int32)
    counts, tried = np.zeros((2, depth), np.int64)
    return int(count_leaves(states, buffers, counts, tried, board.tables, new_workspace(board)))


def replay_actions(board: Board, players: int, actions: npt.NDArray[np.int32]) -> States:
    """Play given games, `[games, length]` with −1 after the last action, from the start; their last positions."""
    states = new_states(board, players, len(actions))
    play_given(states, 0, len(actions), board.tables, new_workspace(board), actions)
    return states
