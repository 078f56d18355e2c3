"""The network as it is trained: the network that plays, and auxiliary heads that only teach its trunk.

The targets of the auxiliary heads (KataGo's auxiliary targets, Wu 2019, arXiv:1902.10565, section 4) are known for
every sample of a game that is over, and make the trunk see what matters sooner. The heads are no part of a model file.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ringrift.datasets.loader import Batch
from ringrift.networks import ResidualNetwork
from ringrift.networks.residual import PolicyHead


class TrainingOutputs(NamedTuple):
    """The output for B positions with L legal actions; P players, H × W the image of the board."""

    policy_logits: Tensor
    """float32 `[L]`: logits of the legal actions."""
    values: Tensor
    """float32 `[B, P]`: from −1 to 1, relative: beginning with the player to act."""
    opponent_policy_logits: Tensor
    """float32 `[B, policy_size]`: logits of the next action of another player."""
    ownership_logits: Tensor
    """float32 `[B, P + 1, H × W]`: logits of who owns each cell at the end, relative, 0 no player."""
    moves_left: Tensor
    """float32 `[B]`: natural logarithm of 1 + the moves until the end."""

    @classmethod
    def of(cls, module: nn.Module, batch: Batch) -> TrainingOutputs:
        """Return the output of a `TrainingNetwork` for a batch, in float32; it may be wrapped for several processes."""
        features = batch.features.to(memory_format=torch.channels_last)
        outputs = module(
            features, batch.globals, rows_of(batch.policy_offsets, batch.policy_actions), batch.policy_actions.long()
        )
        return cls(*(output.float() for output in outputs))


def rows_of(offsets: Tensor, entries: Tensor) -> Tensor:
    """Return the row of every entry: int64 `[L]` of int64 `[B + 1]` offsets and `[L]` entries.

    How many there are the host knows; to count them it would wait for the GPU.
    """
    return torch.repeat_interleave(offsets.diff(), output_size=len(entries))


class DenseOutputs(NamedTuple):
    """The tensors that follow from a batch of B positions alone, so that its shapes are those of every batch."""

    hidden: Tensor
    scalars: Tensor
    """The two from which the logits of legal actions follow, as in `ringrift.networks.Heads`."""
    values: Tensor
    opponent_policy_logits: Tensor
    ownership_logits: Tensor
    moves_left: Tensor
    """The last four are those of `TrainingOutputs`."""


class TrainingNetwork(nn.Module):
    """A network with its auxiliary heads."""

    def __init__(self, network: ResidualNetwork, *, dropout: float) -> None:
        """Give the auxiliary heads random weights from torch's generator."""
        super().__init__()
        dimensions, board, players = network.config.dimensions, network.config.geometry, network.config.players
        channels = dimensions.channels
        self.network = network
        network.value.dropout.p = dropout
        self.opponent_policy = PolicyHead(board, channels, dimensions.head_channels // 2)
        self.ownership = nn.Conv2d(channels, players + 1, 1)
        self.moves_left = nn.Linear(2 * channels, 1)

    def forward(self, features: Tensor, globals_: Tensor, rows: Tensor, actions: Tensor) -> TrainingOutputs:
        """Compute the output of uint8 `[B, planes, H, W]`, float32 `[B, G]`, and int64 `[L]` rows and legal actions."""
        dense = self.dense(features, globals_)
        logits = self.network.policy.chosen(dense.hidden, dense.scalars, rows, actions)
        return TrainingOutputs(logits, *dense[2:])

    def dense(self, features: Tensor, globals_: Tensor) -> DenseOutputs:
        """Compute everything but the logits of the legal actions, whose number no two batches share."""
        network = self.network
        trunk = network.trunk(features, globals_)
        pooled = network.pool(trunk)
        hidden, scalars = network.policy(trunk, pooled)
        return DenseOutputs(
            hidden,
            scalars,
            values=network.value(trunk),
            opponent_policy_logits=self.opponent_policy.whole(*self.opponent_policy(trunk, pooled)),
            ownership_logits=self.ownership(trunk).float().flatten(2),
            moves_left=self.moves_left(pooled).squeeze(1),
        )
