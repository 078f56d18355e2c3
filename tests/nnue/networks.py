"""Networks for tests."""

from __future__ import annotations

import numpy as np

from ringrift.game import Board
from ringrift.nnue import Network, new_network


def random_network(board: Board, seed: int = 0) -> Network:
    """A network of random weights, about as large as trained ones."""
    rng = np.random.default_rng(seed)
    network = new_network(board)
    for name, largest in (("features", 80), ("bias", 60), ("dense", 40), ("dense_bias", 100), ("output", 200)):
        network[name] = rng.integers(-largest, largest + 1, network[name].shape)
    return network
