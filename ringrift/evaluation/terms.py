"""What the heuristic's verdict on a position is made of: its features times their weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ringrift.game import Board
from ringrift.heuristic import FEATURES, Weights, new_scratch, write_features
from ringrift.kernels.compiled import compiled
from ringrift.search.evaluators import States

Terms = dict[str, tuple[float, ...]]
"""By feature, `[players]` by seat: its number times its weight."""


def heuristic_terms(board: Board, players: int, states: States, weights: Weights) -> list[Terms]:
    """The terms of positions `[positions]` that are not over."""
    features = np.zeros((len(states), players, len(FEATURES)), np.float32)
    write_each(states, board.tables, new_scratch(board), features)
    weighted: npt.NDArray[np.float64] = features * weights
    return [
        {feature.name: tuple(by_seat.tolist()) for feature, by_seat in zip(FEATURES, position.T, strict=True)}
        for position in weighted
    ]


@compiled
def write_each(states: Any, board: Any, scratch: Any, features: Any) -> None:
    """Write the features of every state into `features` `[positions, players, F]`."""
    for row in range(len(states)):
        write_features(states[row], board, scratch, features[row])
