"""The optimiser: weight decay, the learning rate of every step, and the moving average that is kept.

Rate and average are our own, not `torch.optim.lr_scheduler` and `torch.optim.swa_utils.AveragedModel`. A rate that is a
function of the step alone has no state that a checkpoint could miss. `AveragedModel` waits for the GPU twice a step (it
copies its counter there), which keeps the next step from being prepared meanwhile.
"""

from __future__ import annotations

import math
from copy import deepcopy

import torch
from torch import nn

from ringrift.training.network import TrainingNetwork
from ringrift.training.settings import HyperParameters


def parameter_groups(module: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Group parameters for AdamW: matrices and kernels decay; what is added or multiplied per channel does not."""
    parameters = list(module.parameters())
    return [
        {"params": [one for one in parameters if one.ndim > 1], "weight_decay": weight_decay},
        {"params": [one for one in parameters if one.ndim <= 1], "weight_decay": 0.0},
    ]


def learning_rate(
    step: int, hyper: HyperParameters, batch: int, steps: int, warm_up: int, decays: bool = True
) -> float:
    """Return the rate of a step, counted from 0, of a run of `steps`: linear warm-up, then half a cosine to the least.

    `batch` is the number of samples of a step; the rate of `hyper` is given for `hyper.batch`, and a larger batch
    raises it no further than to the most. If nothing `decays`, the rate stays where the warm-up has led.
    """
    most = max(hyper.most_learning_rate, hyper.learning_rate)
    peak = min(hyper.learning_rate * math.sqrt(batch / hyper.batch), most)
    if step < warm_up:
        return peak * (step + 1) / warm_up
    if not decays:
        return peak
    least = min(hyper.least_learning_rate, peak)
    return least + (peak - least) * 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(steps - warm_up, 1)))


class ExponentialMovingAverage:
    """The exponential moving average (EMA) of a network's weights and statistics.

    It forgets faster in the beginning, so that it does not remember the random weights of the start.
    """

    def __init__(self, network: TrainingNetwork, decay: float) -> None:
        """Start as a copy of the network, of which `decay` stays at every update."""
        self.module = deepcopy(network).eval().requires_grad_(False)
        self._decay = decay
        ours, theirs = self.module.state_dict(), network.state_dict()  # no copies: they change with the modules
        floats = [name for name, tensor in ours.items() if tensor.is_floating_point()]
        self._averaged = [ours[name] for name in floats], [theirs[name] for name in floats]
        self._copied = [(ours[name], theirs[name]) for name in ours.keys() - set(floats)]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the network as it is after `step` steps."""
        decay = min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(*self._averaged, 1 - decay)
        for ours, theirs in self._copied:
            ours.copy_(theirs)
