"""Games that are not played: weights win by how near they are to planted ones, with the chance of real games."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ringrift.heuristic import FEATURE_COUNT, frozen_weights
from ringrift.kernels.types import F64
from ringrift.tuning.evolution import Plan, Scaling
from ringrift.tuning.fitness import Games
from ringrift.tuning.settings import EvolutionSettings, tuning_settings

ELO_PER_STEP = 30.0
"""What a distance of one in the strategy's coordinates costs, squared."""


@dataclass(frozen=True)
class PlantedFitness:
    """Two-player games whose chances follow the distances of both sides from an optimum `[F]`."""

    optimum: F64
    matters: F64
    """`[F]`, by how much each weight counts; 0 for a feature that means nothing."""

    def elo(self, weights: F64) -> Any:
        """The strength of weights `[…, F]`."""
        unit = Scaling.around(frozen_weights()).unit
        return -ELO_PER_STEP * (self.matters * ((weights - self.optimum) / unit) ** 2).sum(-1)

    def __call__(self, candidates: F64, panel: F64, games: Games) -> F64:
        """Draw the results of pairs of games; all candidates get the same numbers."""
        luck = np.random.default_rng(games.seed).random((games.openings, 2))
        against = self.elo(panel)[np.arange(games.openings) % len(panel)]
        difference = self.elo(candidates)[:, np.newaxis] - against
        chance = 1 / (1 + 10 ** (-difference / 400))
        return np.asarray((luck < chance[..., np.newaxis]).mean(-1), float)


def a_plan(**changes: Any) -> Plan:
    """A plan that starts from the frozen weights."""
    settings = tuning_settings().evolution.model_dump() | changes
    weights = tuple(frozen_weights().tolist())
    return Plan("square8_2p", weights, weights, weights, 3, EvolutionSettings(**settings))


def shifted(by: float, *, seed: int = 5) -> F64:
    """An optimum that is so many steps away from the frozen weights in every direction, one way or the other."""
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], FEATURE_COUNT)
    return frozen_weights() + by * signs * Scaling.around(frozen_weights()).unit
