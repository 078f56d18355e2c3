"""The energy network as it is trained: an embedding of the state, one of the action, and the energy of the pair.

After energy-based models whose predictions are found by descent (LeCun et al. 2006, "A Tutorial on Energy-Based
Learning"; Belanger and McCallum 2016, "Structured Prediction Energy Networks", arXiv:1511.06350).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from ringrift.energy import EnergyWeights, weight_shapes


class EnergyNetwork(nn.Module):
    """The network of `ringrift.energy`, with the same parts by the same names."""

    def __init__(self, players: int) -> None:
        """Make a network with random weights, from torch's generator."""
        super().__init__()
        for name, shape in weight_shapes(players).items():
            scale = (2 if name.endswith("_in") else 1) ** 0.5 / shape[0] ** 0.5
            is_bias = name.endswith("_bias")
            self.register_parameter(name, nn.Parameter(torch.zeros(shape) if is_bias else torch.randn(shape) * scale))

    def embed(self, inputs: Tensor, kind: str) -> Tensor:
        """Return the embeddings `[N, EMBEDDING]` of inputs `[N, I]`; `kind` is `state` or `action`."""
        inner, inner_bias, outer, outer_bias = (
            self.get_parameter(f"{kind}_{part}") for part in ("in", "in_bias", "out", "out_bias")
        )
        return torch.tanh(torch.relu(inputs @ inner + inner_bias) @ outer + outer_bias)

    def energies(self, states: Tensor, actions: Tensor) -> Tensor:
        """Return the energies `[N]` of pairs of embeddings, both `[N, EMBEDDING]`."""
        part = self.get_parameter
        sums = states @ part("pair_state") + actions @ part("pair_action") + part("pair_bias")
        return nn.functional.softplus(sums) @ part("pair_out")

    def forward(self, views: Tensor, actions: Tensor, rows: Tensor) -> Tensor:
        """Return the energies `[L]` of actions `[L, I]` in positions `[B, I]`; `rows` `[L]` say in which."""
        return self.energies(self.embed(views, "state")[rows], self.embed(actions, "action"))

    @torch.no_grad()
    def weights(self) -> EnergyWeights:
        """Return a copy of the weights for players."""
        return EnergyWeights(
            *(self.get_parameter(name).cpu().numpy().astype(np.float32) for name in EnergyWeights._fields)
        )

    @torch.no_grad()
    def load(self, weights: EnergyWeights) -> None:
        """Take the weights of a file."""
        for name, array in weights._asdict().items():
            self.get_parameter(name).copy_(torch.from_numpy(array))
