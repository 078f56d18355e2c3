"""The evaluation of a position for every player: weighted features, own minus others, squashed."""

from __future__ import annotations

from typing import Final

import numpy as np

from ringrift.encoding.values import outcome_values
from ringrift.game.boards import MAX_PLAYERS
from ringrift.game.state import GAME_OVER
from ringrift.game.types import BoardTables, State
from ringrift.heuristic.features import Scratch, write_changed_features, write_features
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import F32, F64

WON: Final = 20.0
"""The score of a game that is won, beyond what features add up to."""


@compiled
def score(state: State, board: BoardTables, weights: F64, scratch: Scratch, scores: F32) -> None:
    """Write the score of a position for every seat into `scores` `[MAX_PLAYERS]` (float32).

    A player's sum is weights times features; the score is the own sum minus the mean of the others', so that the scores
    add up to 0. `weights` is `[F]` (float64). A finished game scores its outcome times `WON`.
    """
    if state.phase == GAME_OVER:
        score_outcome(state, scores)
    else:
        write_features(state, board, scratch, scratch.features)
        weigh(state.players, weights, scratch.features, scores)


@compiled
def score_changed(before: State, state: State, board: BoardTables, weights: F64, scratch: Scratch, scores: F32) -> None:
    """Write what `score` would, for a position that differs in some cells from `before`.

    `before` is the last position that was scored with `scratch` by `score`.
    """
    if state.phase == GAME_OVER:
        score_outcome(state, scores)
    else:
        write_changed_features(before, state, board, scratch, scratch.features)
        weigh(state.players, weights, scratch.features, scores)


@compiled
def score_outcome(state: State, scores: F32) -> None:
    """Write the scores of a finished game."""
    for seat in range(MAX_PLAYERS):
        scores[seat] = 0
    outcome_values(state, scores)
    for seat in range(MAX_PLAYERS):
        scores[seat] *= WON


@compiled
def weigh(players: int, weights: F64, features: F32, scores: F32) -> None:
    """Write the scores of a position with these features."""
    for seat in range(MAX_PLAYERS):
        scores[seat] = 0
    total = 0.0
    for seat in range(players):
        own = 0.0
        for i in range(len(weights)):
            own += weights[i] * features[seat, i]
        scores[seat] = own
        total += own
    for seat in range(players):
        own = scores[seat]
        scores[seat] = own - (total - own) / (players - 1)


@compiled
def evaluate(state: State, board: BoardTables, weights: F64, scratch: Scratch, values: F32) -> None:
    """Write the value of a position for every seat, −1 … 1, into `values` `[MAX_PLAYERS]` (float32).

    It is tanh(score / 2): with weights in log-odds the expected outcome of a game for two. A finished game has its
    exact outcome.
    """
    if state.phase == GAME_OVER:
        outcome_values(state, values)
        return
    score(state, board, weights, scratch, values)
    for seat in range(state.players):
        values[seat] = np.tanh(values[seat] / 2)
