from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ringrift.networks import ARCHITECTURES, Architecture, NetworkConfig, ResidualNetwork, build_network

Inputs = Callable[..., tuple[Tensor, Tensor]]


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that has every part, and computes fast."""
    monkeypatch.setitem(ARCHITECTURES, "tiny", Architecture(channels=16, blocks=2, squeeze=True, head_channels=8))


@pytest.fixture
def make_network(tiny: None) -> Callable[..., ResidualNetwork]:
    """Networks in evaluation mode whose norms have statistics and weights as after training: none is the identity."""

    def make(board: str = "square8", players: int = 2, architecture: str = "tiny") -> ResidualNetwork:
        torch.manual_seed(7)
        network = build_network(NetworkConfig.of(architecture, board, players)).eval()
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                assert module.running_mean is not None
                assert module.running_var is not None
                nn.init.uniform_(module.weight, 0.3, 0.7)
                nn.init.normal_(module.bias, std=0.3)
                nn.init.normal_(module.running_mean, std=0.3)
                nn.init.uniform_(module.running_var, 0.5, 2.0)
        return network

    return make


@pytest.fixture
def make_inputs() -> Inputs:
    """Random features, zero outside the board, and globals."""

    def make(config: NetworkConfig, batch: int) -> tuple[Tensor, Tensor]:
        draw = np.random.default_rng(3)
        board = config.geometry
        features = np.zeros((batch, config.input_planes, board.size, board.size), np.uint8)
        for x, y, *_ in board.coordinates:
            counts = draw.integers(0, 4, (batch, config.input_planes), np.uint8)
            features[:, :, x + board.radius, y + board.radius] = counts
        return torch.from_numpy(features), torch.from_numpy(draw.random((batch, config.input_globals), np.float32))

    return make
