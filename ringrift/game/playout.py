"""Many games at once, on all cores: uniformly random play and move counting.

A game depends on its seed and its index alone, so the
number of threads changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ringrift.game.boards import Board
from ringrift.game.state import GAME_OVER, new_states, new_workspace, thread_workspace
from ringrift.game.turn import legal_actions, step
from ringrift.game.types import BoardTables, States, Workspace
from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import random_below
from ringrift.kernels.threads import share_out
from ringrift.kernels.types import I32, I64

NO_LIMIT = np.iinfo(np.int32).max


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
    states: States,
    first: int,
    last: int,
    board: BoardTables,
    work: Workspace,
    seed: np.uint64,
    max_moves: int,
    kept: I32,
    action_counts: I64,
    legal_counts: I64,
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

    def run(first: int, last: int) -> None:
        work = thread_workspace(board)
        play_randomly(
            states, first, last, board.tables, work, np.uint64(seed), limit, kept, action_counts, legal_counts
        )

    share_out(games, run, threads=threads)
    return Playouts(states, kept, action_counts, legal_counts)


def perft(board: Board, state: np.void, depth: int) -> int:
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
