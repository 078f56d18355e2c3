"""The values of final ranks, which a network learns to predict, and the change between absolute and relative values.

The value of a place falls evenly from +1 for the first to −1 for the last: +1, −1 for two players, +1, 0, −1 for three,
+1, +⅓, −⅓, −1 for four. Players who share a rank share the mean of the places that they cover. A game without a winner,
stopped at its limit of moves, is worth 0 to everyone.

*Absolute* values are by seat; *relative* ones begin with the player to act and go on in the order of the seats, as a
network sees and predicts them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ringrift.game.types import State, States
from ringrift.game.victory import rank_score
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import F32, I64

Values = TypeVar("Values", bound=np.generic)


@compiled
def place_value(better: int, equal: int, players: int) -> float:
    """Return the value for a player with `better` players above, one of `equal` players that share a rank."""
    return 1 - (2 * better + equal - 1) / (players - 1)


@compiled
def outcome_values(state: State, values: F32) -> None:
    """Write the values of a game, by seat, into `values` `[players]` or longer; 0 for all while it has no winner."""
    players = state.players
    for seat in range(len(values)):
        values[seat] = 0
    if state.winner == 0:
        return
    for seat in range(players):
        score = rank_score(state, seat)
        better = 0
        equal = 0
        for other in range(players):
            other_score = rank_score(state, other)
            if other_score > score:
                better += 1
            elif other_score == score:
                equal += 1
        values[seat] = place_value(better, equal, players)


@compiled
def outcome_rows(states: States, values: F32) -> None:
    """Write the values of many games into `values` `[N, players]`."""
    for row in range(len(states)):
        outcome_values(states[row], values[row])


def outcomes(states: States, players: int) -> F32:
    """Return the outcome values of games, `[N, players]` by seat, from their last positions `[N]`."""
    values = np.empty((len(states), players), np.float32)
    outcome_rows(states, values)
    return values


def rank_values(ranks: Sequence[int]) -> F32:
    """Return the values, `[players]`, of final ranks such as (1, 2, 2, 4)."""
    return np.array([place_value(rank - 1, ranks.count(rank), len(ranks)) for rank in ranks], np.float32)


def to_absolute(relative: npt.NDArray[Values], player: int | npt.NDArray[Any]) -> npt.NDArray[Values]:
    """Return relative values `[…, players]` by seat; `player`, the one to act, is a seat (from 1) or `[…]`."""
    return _shifted(relative, 1 - np.asarray(player, np.int64))


def to_relative(absolute: npt.NDArray[Values], player: int | npt.NDArray[Any]) -> npt.NDArray[Values]:
    """Return values `[…, players]` by seat as relative ones; `player`, the one to act, is a seat (from 1) or `[…]`."""
    return _shifted(absolute, np.asarray(player, np.int64) - 1)


def _shifted(values: npt.NDArray[Values], by: I64) -> npt.NDArray[Values]:
    players = values.shape[-1]
    index = (np.arange(players) + by[..., np.newaxis]) % players
    return np.take_along_axis(values, np.broadcast_to(index, values.shape), axis=-1)
