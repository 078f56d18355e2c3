"""The terms of the heuristic's evaluation: features times weights."""

from __future__ import annotations

import numpy as np

from ringrift.game import Board
from ringrift.game.types import BoardTables, States
from ringrift.heuristic import FEATURES, Weights, new_scratch, write_features
from ringrift.heuristic.features import Scratch
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import F32, F64

Terms = dict[str, tuple[float, ...]]
"""The terms by feature, `[players]` by seat."""


def heuristic_terms(board: Board, players: int, states: States, weights: Weights) -> list[Terms]:
    """Return the terms of positions `[positions]` that are not over."""
    features = np.zeros((len(states), players, len(FEATURES)), np.float32)
    write_each(states, board.tables, new_scratch(board), features)
    weighted: F64 = features * weights
    return [
        {feature.name: tuple(by_seat.tolist()) for feature, by_seat in zip(FEATURES, position.T, strict=True)}
        for position in weighted
    ]


@compiled
def write_each(states: States, board: BoardTables, scratch: Scratch, features: F32) -> None:
    """Write the features of every state into `features` `[positions, players, F]`."""
    for row in range(len(states)):
        write_features(states[row], board, scratch, features[row])
