"""Networks by config, and how large they are."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ringrift.networks.config import NetworkConfig
from ringrift.networks.residual import ResidualNetwork


def build_network(config: NetworkConfig) -> ResidualNetwork:
    """Return a new network with random weights from torch's generator, in training mode, on torch's default device."""
    return ResidualNetwork(config)


def parameter_count(network: nn.Module) -> int:
    """Return the number of trained parameters."""
    return sum(parameter.numel() for parameter in network.parameters())


def flops(config: NetworkConfig, *, whole_policy: bool = True) -> int:
    """Return the floating-point operations of a forward pass for one position; a multiply-add counts as two.

    Counts convolutions and dense layers, as torch does; nothing is computed. A search needs the logits of its legal
    actions only: without `whole_policy`, the last layer of the policy is left out.
    """
    with torch.device("meta"):
        network = build_network(config).eval()
        features = torch.zeros(1, config.input_planes, config.geometry.size, config.geometry.size, dtype=torch.uint8)
        globals_ = torch.zeros(1, config.input_globals)
    run = network if whole_policy else network.heads
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        run(features, globals_)
    return int(counter.get_total_flops())
