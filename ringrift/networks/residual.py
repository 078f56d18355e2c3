"""The residual network, from a position to a policy and one value per player.

Read `ResidualNetwork` first; the modules above it are its parts, in the order in which a position meets them. Shapes
name their axes: B positions, C channels, H × W the image of the board (row x, column y, counted from the first), P
players, S actions without a cell, K channels of the policy head, L legal actions of all positions of a batch.

- The blocks are the classic ones, convolution – norm – ReLU, as in AlphaZero and Leela Chess Zero: every norm follows a
  convolution and folds into it for self-play. KataGo normalises before the convolution, which trains deeper networks
  than these better, but leaves half of the norms standing at inference.
- The norm is batch norm. A batch of 256 positions holds 15,000 cells and more, plenty for its statistics, so the norms
  that small batches would call for are not needed; and those (group, layer) cannot be folded.
- Information without a cell enters as a bias on every channel, as in KataGo (Wu 2019, arXiv:1902.10565).
- On hexagons the corners of the image do not exist. They are zero wherever a convolution reads, so that the edge of the
  board looks the same everywhere; means count real cells alone.
- Dense layers follow the type of their input, convolutions may run in bfloat16: whatever is pooled is pooled to
  float32, so that policy and values are computed in float32 also when the trunk is not.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from ringrift.game.actions import SCALAR_ACTIONS, first_planes
from ringrift.game.boards import Board
from ringrift.networks.config import NetworkConfig


def pixels(board: Board) -> Tensor:
    """Return the index of every cell in the flattened image, row × W + column: int64 `[cells]`."""
    radius, size = board.radius, board.size
    return torch.tensor([(x + radius) * size + y + radius for x, y, *_ in board.coordinates])


class CellMask(nn.Module):
    """A module that sets to zero, in place, what lies outside the board; on squares that is nothing."""

    cells: Tensor

    def __init__(self, board: Board) -> None:
        """Make the mask of a board."""
        super().__init__()
        cells = torch.zeros(board.size * board.size)
        cells[pixels(board)] = 1
        self.full = board.cells == board.size**2
        self.register_buffer("cells", cells.view(1, 1, board.size, board.size), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """Mask images `[B, C, H, W]` in place."""
        return image if self.full else image.mul_(self.cells)


class MeanAndMax(nn.Module):
    """Pooling by mean and maximum over the cells of an image that is nowhere negative, and zero outside the board."""

    def __init__(self, board: Board) -> None:
        """Make the pooling for a board."""
        super().__init__()
        self.share = board.cells / board.size**2

    def mean(self, image: Tensor) -> Tensor:
        """Map `[B, C, H, W]` to the means, float32 `[B, C]`; sums are taken in float32."""
        return image.mean((2, 3), dtype=torch.float32) / self.share

    def forward(self, image: Tensor) -> Tensor:
        """Map `[B, C, H, W]` to float32 `[B, 2C]`."""
        image = image.float()  # before the maximum: of bfloat16 it is many times slower on CPUs
        return torch.cat([self.mean(image), image.amax((2, 3))], 1)


class ConvolutionNorm(nn.Module):
    """A convolution and its batch norm; for inference the norm is folded into the convolution.

    The corners outside a hexagon take part in the statistics. Their share is the same in every batch, so training and
    inference see the same thing.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, *, gain: float = 1.0) -> None:
        """Make a layer from `inputs` to `outputs` channels; `gain` is the first weight of the norm."""
        super().__init__()
        self.convolution: nn.Conv2d = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        nn.init.kaiming_normal_(self.convolution.weight, nonlinearity="relu")
        norm = nn.BatchNorm2d(outputs)
        nn.init.constant_(norm.weight, gain)
        self.norm: nn.BatchNorm2d | nn.Identity = norm

    def forward(self, image: Tensor) -> Tensor:
        """Map `[B, inputs, H, W]` to `[B, outputs, H, W]`."""
        return cast(Tensor, self.norm(self.convolution(image)))

    def fold(self) -> None:
        """Move the norm, with the statistics that it has, into the convolution."""
        if isinstance(self.norm, nn.BatchNorm2d):
            self.convolution = nn.utils.fusion.fuse_conv_bn_eval(self.convolution, self.norm)
            self.norm = nn.Identity()


class SqueezeExcitation(nn.Module):
    """Squeeze-and-excitation: a factor and a bias per channel from the means of all channels.

    Hu et al. 2018 (arXiv:1709.01507), with the bias that Leela Chess Zero adds.
    """

    REDUCTION = 8

    def __init__(self, board: Board, channels: int) -> None:
        """Make the layer for images of `channels` channels."""
        super().__init__()
        self.mask = CellMask(board)
        self.pool = MeanAndMax(board)
        self.squeeze = nn.Linear(channels, channels // self.REDUCTION)
        self.excite = nn.Linear(channels // self.REDUCTION, 2 * channels)

    def forward(self, image: Tensor) -> Tensor:
        """Map `[B, C, H, W]` to the same shape; zero outside the board before and after."""
        gates = self.excite(torch.relu(self.squeeze(self.pool.mean(image)))).to(image.dtype)
        factor, bias = gates[:, :, None, None].chunk(2, 1)
        return cast(Tensor, self.mask(torch.addcmul(bias, image, torch.sigmoid(factor))))


class ResidualBlock(nn.Module):
    """A residual block: two convolutions whose result is added to their input (He et al. 2016, arXiv:1512.03385).

    Starts as the identity, so that a deep tower trains from its first step (Goyal et al. 2017, arXiv:1706.02677).
    """

    def __init__(self, board: Board, channels: int, *, squeeze: bool) -> None:
        """Make the layer for images of `channels` channels."""
        super().__init__()
        self.mask = CellMask(board)
        self.first = ConvolutionNorm(channels, channels, 3)
        self.second = ConvolutionNorm(channels, channels, 3, gain=0.0)
        self.squeeze = SqueezeExcitation(board, channels) if squeeze else nn.Identity()

    def forward(self, image: Tensor) -> Tensor:
        """Map `[B, C, H, W]` to the same shape; zero outside the board before and after."""
        change = self.mask(self.first(image)).relu_()
        change = self.squeeze(self.mask(self.second(change)))
        return cast(Tensor, change.add_(image).relu_())


class Stem(nn.Module):
    """The first convolution, whose channels get a bias from the globals."""

    scale: Tensor

    def __init__(self, config: NetworkConfig) -> None:
        """Make the layer for the inputs that the config names."""
        super().__init__()
        channels = config.dimensions.channels
        self.mask = CellMask(config.geometry)
        self.convolution = ConvolutionNorm(config.input_planes, channels, 3)
        self.globals = nn.Linear(config.input_globals, channels)
        # One factor for both: dividing by the scale, and forgetting what lies outside the board.
        scale = self.mask.cells / torch.tensor(config.input_scales).view(1, -1, 1, 1)
        self.register_buffer("scale", scale, persistent=False)

    def forward(self, features: Tensor, globals_: Tensor) -> Tensor:
        """Map uint8 `[B, planes, H, W]` and float32 `[B, G]` to `[B, channels, H, W]`."""
        image = self.convolution(features * self.scale)
        bias = self.globals(globals_).to(image.dtype)
        return cast(Tensor, self.mask(image.add_(bias[:, :, None, None])).relu_())


class PolicyHead(nn.Module):
    """The policy head: one logit per plane and cell from the channels at that cell, the rest from the whole board.

    The last layer is a 1×1 convolution in all but name: a dense layer on the channels of each cell. A search applies it
    to its legal actions alone, a few dozen of the thousands or ten thousands of (plane, cell) pairs.
    """

    pixels: Tensor

    def __init__(self, board: Board, channels: int, head_channels: int) -> None:
        """Make the head of a trunk with `channels` channels."""
        super().__init__()
        self.cells = board.cells
        self.convolution = ConvolutionNorm(channels, head_channels, 1)
        self.bias = nn.Linear(2 * channels, head_channels)
        self.maps = nn.Linear(head_channels, first_planes(board).end)
        self.scalars = nn.Linear(2 * channels, SCALAR_ACTIONS)
        self.register_buffer("pixels", pixels(board), persistent=False)

    def forward(self, trunk: Tensor, pooled: Tensor) -> tuple[Tensor, Tensor]:
        """Map trunk `[B, C, H, W]` and pooled `[B, 2C]` to hidden `[B, H × W, K]` and scalar logits `[B, S]`."""
        image = self.convolution(trunk)
        image = image.add_(self.bias(pooled).to(image.dtype)[:, :, None, None]).relu_()
        return image.permute(0, 2, 3, 1).flatten(1, 2), self.scalars(pooled)

    def whole(self, hidden: Tensor, scalars: Tensor) -> Tensor:
        """Return the logit of every action, float32 `[B, policy_size]`, in the order of `ringrift.game.actions`."""
        maps = self.maps(hidden[:, self.pixels].float())  # [B, cells, planes]
        return torch.cat([maps.transpose(1, 2).flatten(1), scalars], 1)

    def chosen(self, hidden: Tensor, scalars: Tensor, rows: Tensor, actions: Tensor) -> Tensor:
        """Return the logits of some actions, float32 `[L]`, by int64 `[L]` rows of the batch and int64 `[L]` actions.

        Takes memory for L × K numbers, never for the whole policy.
        """
        plane, cell = actions // self.cells, actions % self.cells
        number = actions - self.maps.out_features * self.cells  # of an action without a cell, else negative
        image_size = hidden.shape[1]
        at_cell = hidden.flatten(0, 1).index_select(0, rows * image_size + self.pixels[cell]).float()
        in_plane = plane.clamp_max(self.maps.out_features - 1)
        logits = (at_cell * self.maps.weight.index_select(0, in_plane)).sum(1) + self.maps.bias[in_plane]
        return torch.where(number < 0, logits, scalars[rows, number.clamp_min(0)])


class ValueHead(nn.Module):
    """The value head: what each player may expect, from −1 to 1."""

    def __init__(self, board: Board, channels: int, head_channels: int, players: int) -> None:
        """Make the head of a trunk with `channels` channels."""
        super().__init__()
        self.mask = CellMask(board)
        self.convolution = ConvolutionNorm(channels, head_channels, 1)
        self.pool = MeanAndMax(board)
        self.dense = nn.Linear(2 * head_channels, 2 * head_channels)
        self.dropout = nn.Dropout(0.0)  # training sets its probability
        self.values = nn.Linear(2 * head_channels, players)

    def forward(self, trunk: Tensor) -> Tensor:
        """Map the trunk `[B, C, H, W]` to float32 `[B, P]`."""
        pooled = self.pool(self.mask(self.convolution(trunk)).relu_())
        return torch.tanh(self.values(self.dropout(torch.relu(self.dense(pooled)))))


class Heads(NamedTuple):
    """The outputs of the heads, from which the logits of actions follow."""

    hidden: Tensor
    """`[B, H × W, K]`: the channels from which the logits at a cell follow."""
    scalars: Tensor
    """float32 `[B, S]`: logits of the actions without a cell."""
    values: Tensor
    """float32 `[B, P]`: from −1 to 1, one per player; player 0 is the one to act, the others follow in turn order."""


class Output(NamedTuple):
    """The policy and values of positions."""

    policy: Tensor
    """float32 `[B, policy_size]`: logits, of illegal actions too."""
    values: Tensor
    """float32 `[B, P]`, as in `Heads`."""


class ResidualNetwork(nn.Module):
    """The network: stem, tower of residual blocks, policy head and value head."""

    def __init__(self, config: NetworkConfig) -> None:
        """Make a network with random weights from torch's generator."""
        super().__init__()
        board, dimensions = config.geometry, config.dimensions
        channels, head_channels = dimensions.channels, dimensions.head_channels
        self.config = config
        self.stem = Stem(config)
        self.tower = nn.Sequential(
            *(ResidualBlock(board, channels, squeeze=dimensions.squeeze) for _ in range(dimensions.blocks))
        )
        self.pool = MeanAndMax(board)
        self.policy = PolicyHead(board, channels, head_channels)
        self.value = ValueHead(board, channels, head_channels, config.players)

    def trunk(self, features: Tensor, globals_: Tensor) -> Tensor:
        """Map uint8 `[B, planes, H, W]` and float32 `[B, G]` to `[B, channels, H, W]`, which all heads share."""
        return cast(Tensor, self.tower(self.stem(features, globals_)))

    def heads(self, features: Tensor, globals_: Tensor) -> Heads:
        """Map uint8 `[B, planes, H, W]` and float32 `[B, G]` to the inputs of `chosen` and the values."""
        trunk = self.trunk(features, globals_)
        hidden, scalars = self.policy(trunk, self.pool(trunk))
        return Heads(hidden, scalars, self.value(trunk))

    def forward(self, features: Tensor, globals_: Tensor) -> Output:
        """Map uint8 `[B, planes, H, W]` and float32 `[B, G]` to the whole policy and the values, as in training."""
        heads = self.heads(features, globals_)
        return Output(self.policy.whole(heads.hidden, heads.scalars), heads.values)
