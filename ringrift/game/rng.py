"""Counter-based random numbers: the same key and counter give the same number on every machine and thread.

The generator is SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014): its output
function applied to `seed + counter × golden ratio`, so no state has to be kept or handed on.
"""

from __future__ import annotations

import numpy as np

from ringrift.game.compiled import compiled


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
