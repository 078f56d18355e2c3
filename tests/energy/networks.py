"""Energy networks for tests."""

from __future__ import annotations

import torch

from ringrift.energy import EnergyWeights
from ringrift.networks.energy import EnergyNetwork


def random_weights(players: int, seed: int = 0) -> EnergyWeights:
    """Weights of a network that has learned nothing."""
    torch.manual_seed(seed)
    return EnergyNetwork(players).weights()
