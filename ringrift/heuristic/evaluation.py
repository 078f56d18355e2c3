"""What a position is worth to every player: weighted features, own minus others, squashed."""

from __future__ import annotations

from typing import Any

import numpy as np

from ringrift.encoding.values import outcome_values
from ringrift.game.boards import MAX_PLAYERS
from ringrift.game.compiled import compiled
from ringrift.game.state import GAME_OVER
from ringrift.heuristic.features import write_features


@compiled
def evaluate(state: Any, board: Any, weights: Any, scratch: Any, values: Any) -> None:
    """Write the value of a position for every seat, −1 … 1, into `values` `[MAX_PLAYERS]` (float32).

    A player's sum is weights times features. The score is the own sum minus the mean of the others', so that scores add
    up to 0, and the value is tanh(score / 2): with weights in log-odds it is the expected outcome of a game for two. A
    finished game has its exact outcome. `weights` is `[F]` (float64).
    """
    if state.phase == GAME_OVER:
        outcome_values(state, values)
        return
    features = scratch.features
    write_features(state, board, scratch, features)
    players = state.players
    total = 0.0
    for seat in range(MAX_PLAYERS):
        values[seat] = 0
    for seat in range(players):
        score = 0.0
        for i in range(len(weights)):
            score += weights[i] * features[seat, i]
        values[seat] = score
        total += score
    for seat in range(players):
        own = values[seat]
        values[seat] = np.tanh((own - (total - own) / (players - 1)) / 2)
