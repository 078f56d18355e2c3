"""Playout-cap randomisation (Wu: Accelerating self-play learning in Go, 2019, section 3.1).

I64 need many decisions to give values, policies need deep searches: so most decisions get a fast search, and only the
rest a full one, with noise, whose policy is worth learning.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ringrift.game.types import States
from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import uniform
from ringrift.kernels.types import I32, I64, Bool
from ringrift.search.game_adapter import decision_key

DRAW = 1 << 20
"""The place of the draw among a decision's random numbers, beyond those for its actions."""


@dataclass(frozen=True)
class PlayoutCap:
    """The share of decisions that get a full search, and the simulations of the others."""

    full_share: float
    fast_simulations: int


@compiled
def draw_full_searches(states: States, games: I64, seed: np.uint64, share: float, full: Bool) -> None:
    """Decide for each game whether this decision gets a full search."""
    for row in range(len(states)):
        full[row] = uniform(decision_key(seed, games[row], states[row]), DRAW) < share


def full_searches(states: States, games: I64, seed: np.uint64, cap: PlayoutCap | None) -> Bool:
    """Return which of these decisions get a full search, `[games]`: all without a cap."""
    full = np.ones(len(states), np.bool_)
    if cap is not None:
        draw_full_searches(states, games, seed, cap.full_share, full)
    return full


def simulation_limits(full: Bool, simulations: int, cap: PlayoutCap | None) -> I32:
    """Return the simulations of each search, `[games]`."""
    fast = simulations if cap is None else cap.fast_simulations
    return np.where(full, simulations, fast).astype(np.int32)
