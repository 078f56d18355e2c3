"""How weights change: what decays, the rate at every step, and the average that is kept."""

from __future__ import annotations

import math
from copy import deepcopy

import torch
from torch import nn

from ringrift.training.network import LearningNetwork
from ringrift.training.settings import HyperParameters


def parameter_groups(module: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Parameters for AdamW: matrices and kernels decay; what is added or multiplied per channel does not."""
    parameters = list(module.parameters())
    return [
        {"params": [one for one in parameters if one.ndim > 1], "weight_decay": weight_decay},
        {"params": [one for one in parameters if one.ndim <= 1], "weight_decay": 0.0},
    ]


def learning_rate(step: int, hyper: HyperParameters, batch: int, steps: int, warm_up: int) -> float:
    """The rate of a step, the first being 0, of a run of so many steps: up in a line, then down half a cosine to 0.

    `batch` is what a step really goes through: the rate is given for `hyper.batch`.
    """
    peak = hyper.learning_rate * math.sqrt(batch / hyper.batch)
    if step < warm_up:
        return peak * (step + 1) / warm_up
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(steps - warm_up, 1)))


class Average:
    """The exponential moving average of a network's weights and statistics.

    It forgets faster in the beginning, so that it does not remember the random weights of the start.
    """

    def __init__(self, network: LearningNetwork, keep: float) -> None:
        """Starts as a copy of the network; `keep` of it stays at every update."""
        self.module = deepcopy(network).eval().requires_grad_(False)
        self._keep = keep

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the network as it is after so many steps."""
        keep = min(self._keep, (1 + step) / (10 + step))
        ours, theirs = self.module.state_dict(), network.state_dict()
        floats = [name for name, tensor in ours.items() if tensor.is_floating_point()]
        torch._foreach_lerp_([ours[name] for name in floats], [theirs[name] for name in floats], 1 - keep)
        for name in ours.keys() - set(floats):
            ours[name].copy_(theirs[name])
