"""Counter-based random numbers: the same key and counter give the same number on every machine and thread.

The generator is SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014): its output
function applied to `seed + counter × golden ratio`, so no state has to be kept or handed on.

`random_below` draws from a stream of a seed; `uniform`, `gamma` and `dirichlet` from a key, which the caller has mixed.
"""

from __future__ import annotations

import numpy as np

from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import F64


@compiled
def mix64(value: np.uint64) -> np.uint64:
    """The output function of SplitMix64: a bijection on uint64 that scatters every bit."""
    z = value + np.uint64(0x9E37_79B9_7F4A_7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    return z ^ (z >> np.uint64(31))


@compiled
def random_below(seed: np.uint64, stream: int, counter: int, limit: int) -> np.int64:
    """A number in 0 … limit−1, uniform up to 2⁻³² × limit: the `counter`-th draw of a stream, such as one game's."""
    key = mix64(seed ^ mix64(np.uint64(stream)))
    bits = mix64(key ^ mix64(np.uint64(counter)))
    return np.int64(((bits >> np.uint64(32)) * np.uint64(limit)) >> np.uint64(32))


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
def dirichlet(key: np.uint64, alpha: float, count: int, out: F64) -> None:
    """Fill the first `count` of `out` with a symmetric Dirichlet draw."""
    total = 0.0
    for i in range(count):
        out[i] = gamma(mix64(key ^ np.uint64(i)), alpha)
        total += out[i]
    for i in range(count):
        out[i] = out[i] / total if total > 0 else 1.0 / count
