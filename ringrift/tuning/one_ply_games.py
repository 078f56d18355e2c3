"""Whole games one ply ahead in one compiled loop: what an evaluation of weights costs decides how well they get tuned.

The play is that of the player `heuristic`, without Python between two moves: every seat has weights of its own, so that
all candidates of a generation are evaluated by one call. A game depends on its opening, its number and its seats'
weights alone; candidates that get the same openings and numbers get the same random numbers, too.
"""

from __future__ import annotations

import numpy as np

from ringrift.agents.heuristic import TIE
from ringrift.encoding import outcomes
from ringrift.game.boards import MAX_PLAYERS, Board
from ringrift.game.state import GAME_OVER, state_type, thread_workspace
from ringrift.game.turn import legal_actions, only_action, play_forced, step
from ringrift.game.types import BoardTables, State, States, Workspace
from ringrift.heuristic import new_scratch, score
from ringrift.heuristic.features import Scratch
from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import uniform
from ringrift.kernels.threads import share_out
from ringrift.kernels.types import F32, F64, I32, I64
from ringrift.one_ply import SHARPNESS
from ringrift.search.game_adapter import decision_key

TIE_SCORE = TIE / SHARPNESS


@compiled
def best_action(
    state: State,
    key: np.uint64,
    count: int,
    board: BoardTables,
    weights: F64,
    work: Workspace,
    scratch: Scratch,
    trial: States,
    legal: I32,
    scores: F32,
    totals: F32,
) -> int:
    """Return the action of the highest score for the player to act, of the `count` in `legal`; the key breaks ties."""
    seat = state.player - 1
    highest = np.float32(-np.inf)
    for i in range(count):
        trial[0] = state
        step(trial[0], legal[i], board, work)
        play_forced(trial[0], board, work)
        score(trial[0], board, weights, scratch, scores)
        totals[i] = scores[seat]
        highest = max(highest, totals[i])
    chosen = -1
    best = -1.0
    for i in range(count):
        if totals[i] > highest - TIE_SCORE:
            draw = uniform(key, i)
            if draw > best:
                chosen, best = legal[i], draw
    return chosen


@compiled
def play_out(
    states: States,
    numbers: I64,
    seats: I64,
    weights: F64,
    seed: np.uint64,
    max_moves: int,
    first: int,
    last: int,
    board: BoardTables,
    work: Workspace,
    scratch: Scratch,
    trial: States,
    legal: I32,
    scores: F32,
    totals: F32,
) -> None:
    """Play the games `first` … `last`−1 to their end, or to the limit of moves; see `play_one_ply`."""
    for game in range(first, last):
        state = states[game]
        while state.phase != GAME_OVER and state.ply < max_moves:
            count = legal_actions(state, board, work, legal)
            action = legal[0]
            if count > 1:
                key = decision_key(seed, numbers[game], state)
                own = weights[seats[game, state.player - 1]]
                action = best_action(state, key, count, board, own, work, scratch, trial, legal, scores, totals)
            step(state, action, board, work)


@compiled
def play_actions(states: States, games: I64, actions: I32, max_moves: int, board: BoardTables, work: Workspace) -> None:
    """Play an action in each of `games`, and on until a player has a choice or the game stops."""
    for i in range(len(games)):
        state = states[games[i]]
        action = actions[i]
        while action >= 0:
            step(state, action, board, work)
            action = -1 if state.ply >= max_moves else only_action(state, board, work)


def play_one_ply(
    board: Board,
    players: int,
    states: States,
    numbers: I64,
    seats: I64,
    weights: F64,
    *,
    max_moves: int,
    seed: int = 0,
    threads: int | None = None,
) -> F32:
    """Play games one ply ahead and return their outcome values, `[N, players]` by seat.

    `states` `[N]` are their openings and are played on to their last positions; `numbers` `[N]` decide, with `seed`,
    among equally good actions; `seats` `[N, players]` are rows of `weights` `[K, F]`.
    """

    def run(first: int, last: int) -> None:
        work = thread_workspace(board)
        trial = np.empty(1, state_type(board))
        legal = np.empty(board.max_actions, np.int32)
        scores = np.empty(MAX_PLAYERS, np.float32)
        totals = np.empty(board.max_actions, np.float32)
        tables = (board.tables, work, new_scratch(board), trial, legal, scores, totals)
        play_out(states, numbers, seats, weights, np.uint64(seed), max_moves, first, last, *tables)

    share_out(len(states), run, threads=threads)
    return outcomes(states, players)
