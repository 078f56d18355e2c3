"""Features of single positions, for tests: as they are, and counted back from fractions of the goals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ringrift.game import Board, Game
from ringrift.heuristic import FEATURES, new_scratch, write_features

UNITS: dict[str, Callable[[Board, int], int]] = {
    "one": lambda board, players: 1,
    "3": lambda board, players: 3,
    "cells": lambda board, players: board.cells,
    "rings per player": lambda board, players: board.rings,
    "elimination goal": lambda board, players: board.elimination_goal(players),
    "territory goal": lambda board, players: board.territory_goal(players),
}


def features_of(game: Game) -> npt.NDArray[np.float32]:
    """The features of a position, `[players, F]`."""
    features = np.full((game.players, len(FEATURES)), np.nan, np.float32)
    write_features(game.array, game.board.tables, new_scratch(game.board), features)
    return features


def counts(game: Game) -> dict[str, list[float]]:
    """What was counted, by feature and seat: the features times their units."""
    features = features_of(game)
    return {
        feature.name: [float(value) * UNITS[feature.unit](game.board, game.players) for value in features[:, index]]
        for index, feature in enumerate(FEATURES)
    }


def game_at(board: str, players: int, state: Any) -> Game:
    """A game in a position of an array."""
    game = Game(board, players)
    game._states[0] = state
    return game
