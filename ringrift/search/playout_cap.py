"""Playout-cap randomisation (Wu: Accelerating self-play learning in Go, 2019, section 3.1).

Games need many decisions to give values, policies need deep searches: so most decisions get a fast search, and only the
rest a full one, with noise, whose policy is worth learning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import uniform
from ringrift.search.game_adapter import decision_key

DRAW = 1 << 20
"""Place of the draw among a decision's random numbers, beyond those for its actions."""


@dataclass(frozen=True)
class PlayoutCap:
    """How many decisions get a full search, and what the others get."""

    full_share: float
    fast_simulations: int


@compiled
def draw_full(states: Any, games: Any, seed: np.uint64, share: float, full: Any) -> None:
    """Decide for each game whether this decision gets a full search."""
    for row in range(len(states)):
        full[row] = uniform(decision_key(seed, games[row], states[row]), DRAW) < share


def full_searches(states: Any, games: Any, seed: np.uint64, cap: PlayoutCap | None) -> npt.NDArray[np.bool_]:
    """`[games]`, which of these decisions get a full search: all without a cap."""
    full = np.ones(len(states), np.bool_)
    if cap is not None:
        draw_full(states, games, seed, cap.full_share, full)
    return full


def budgets(full: npt.NDArray[np.bool_], simulations: int, cap: PlayoutCap | None) -> npt.NDArray[np.int32]:
    """`[games]`, simulations of each search."""
    fast = simulations if cap is None else cap.fast_simulations
    return np.where(full, simulations, fast).astype(np.int32)
