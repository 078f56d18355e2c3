"""Counter-based random numbers: every number depends on its key and index alone, never on the order of the draws."""

from __future__ import annotations

from typing import Any

import numpy as np

from ringrift.game.compiled import compiled
from ringrift.game.rng import mix64


@compiled
def uniform(key: np.uint64, index: int) -> float:
    """A number strictly between 0 and 1."""
    bits = mix64(key ^ mix64(np.uint64(index)))
    return float((np.float64(bits >> np.uint64(11)) + 0.5) / 9007199254740992.0)


@compiled
def gamma(key: np.uint64, alpha: float) -> float:
    """A gamma-distributed number of shape `alpha` (Marsaglia, Tsang: A simple method for gamma variables, 2000)."""
    d = alpha + 1 - 1.0 / 3  # drawn for alpha + 1 and scaled down, which serves shapes below 1 too
    c = 1 / np.sqrt(9 * d)
    index = 1
    while True:
        normal = np.sqrt(-2 * np.log(uniform(key, index))) * np.cos(2 * np.pi * uniform(key, index + 1))
        v = (1 + c * normal) ** 3
        if v > 0 and np.log(uniform(key, index + 2)) < 0.5 * normal * normal + d - d * v + d * np.log(v):
            return float(d * v * uniform(key, 0) ** (1 / alpha))
        index += 3


@compiled
def dirichlet(key: np.uint64, alpha: float, count: int, out: Any) -> None:
    """Fill the first `count` of `out` with a symmetric Dirichlet draw."""
    total = 0.0
    for i in range(count):
        out[i] = gamma(mix64(key ^ np.uint64(i)), alpha)
        total += out[i]
    for i in range(count):
        out[i] = out[i] / total if total > 0 else 1.0 / count
