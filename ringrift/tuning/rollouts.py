"""Positions of all kinds, and their winners: what a leaf of a search has to be judged by.

Every position is of a game of its own, so that they are independent, and the games are noisy, because a search looks at
good and bad moves alike. From there on both sides play one action ahead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ringrift.game.boards import MAX_PLAYERS, parse_config
from ringrift.game.state import GAME_OVER, state_type, thread_workspace
from ringrift.game.turn import legal_actions, play_forced, step
from ringrift.game.types import BoardTables, States, Workspace
from ringrift.heuristic import Weights, new_scratch, score
from ringrift.heuristic.features import Scratch
from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import uniform
from ringrift.kernels.threads import share_out
from ringrift.kernels.types import F32, F64, I32, I64
from ringrift.limits import move_limit
from ringrift.one_ply import SHARPNESS
from ringrift.run_context import Cancelled, RunContext
from ringrift.search.game_adapter import decision_key
from ringrift.tuning.fitness import Games, draw_openings
from ringrift.tuning.one_ply_games import play_one_ply
from ringrift.tuning.positions import relative_features

PART: Final = 500
"""Positions between two looks at whether to go on."""


@dataclass(frozen=True, eq=False)
class Rollouts:
    """Positions and their results."""

    features: F64
    """`[N, players, F]`, as `relative_features` gives them."""
    values: F64
    """`[N, players]`, the outcome by seat, −1 … 1."""


@compiled
def play_noisily(
    states: States,
    stops: I64,
    weights: F64,
    temperature: float,
    seed: np.uint64,
    first: int,
    last: int,
    board: BoardTables,
    work: Workspace,
    scratch: Scratch,
    trial: States,
    legal: I32,
    scores: F32,
) -> None:
    """Play `states` `first` … `last`−1 to the plies `stops`, drawing actions by their scores one ahead.

    The probabilities are those of `heuristic?temperature=…`, drawn by the largest of scores with Gumbel noise.
    """
    for game in range(first, last):
        state = states[game]
        while state.phase != GAME_OVER and state.ply < stops[game]:
            count = legal_actions(state, board, work, legal)
            action = legal[0]
            if count > 1:
                key = decision_key(seed, game, state)
                seat = state.player - 1
                highest = -np.inf
                for i in range(count):
                    trial[0] = state
                    step(trial[0], legal[i], board, work)
                    play_forced(trial[0], board, work)
                    score(trial[0], board, weights, scratch, scores)
                    total = SHARPNESS * scores[seat] - temperature * np.log(-np.log(uniform(key, i)))
                    if total > highest:
                        highest, action = total, legal[i]
            step(state, action, board, work)
        play_forced(state, board, work)


def roll_out(
    config: str, weights: Weights, count: int, temperature: float, seed: int, context: RunContext[object]
) -> Rollouts:
    """Return positions of `count` noisy games, of those that have any, and their results; raises `Cancelled`.

    Every game is played to its end for its length, and again, the same, to a random ply of it.
    """
    board, players = parse_config(config)
    limit = move_limit(config)
    random = np.random.default_rng(seed)
    openings = draw_openings(config, Games(count, seed))

    def play(states: States, stops: I64, seed: np.uint64) -> None:
        def run(first: int, last: int) -> None:
            memory = (np.empty(1, state_type(board)), np.empty(board.max_actions, np.int32))
            tables = (board.tables, thread_workspace(board), new_scratch(board), *memory)
            scores = np.empty(MAX_PLAYERS, np.float32)
            play_noisily(states, stops, weights, temperature, seed, first, last, *tables, scores)

        share_out(len(states), run)

    features: list[F64] = []
    values: list[F32] = []
    for first in range(0, count, PART):
        context.progress("rollouts", first, count)
        if context.cancelled:
            raise Cancelled(f"{config}: stopped after {first} of {count} rollouts")
        start = openings[first : first + PART]
        ended = start.copy()
        play(ended, np.full(len(start), limit), np.uint64(seed + first))
        play(start, random.integers(start["ply"], ended["ply"]), np.uint64(seed + first))
        states = start[start["phase"] != GAME_OVER]
        features.append(relative_features(config, states))
        seats = np.zeros((len(states), players), np.int64)
        numbers = np.arange(first, first + len(states))
        values.append(play_one_ply(board, players, states, numbers, seats, weights[None], max_moves=limit, seed=seed))
    return Rollouts(np.concatenate(features), np.concatenate(values).astype(np.float64))
