"""Residual blocks whose convolutions add and rectify in the same kernel, by cuDNN; for inference.

What they compute is what `ResidualBlock` does with its norms folded, up to rounding. A block without
squeeze-and-excitation becomes two kernels in place of five, and reads and writes its images a third as often.
"""

from __future__ import annotations

import logging
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from ringrift.networks.residual import ResidualBlock, ResidualNetwork

_log = logging.getLogger(__name__)


class FusedConvolutions(Protocol):
    """A library's convolutions with what follows them."""

    def relu(self, image: Tensor, layer: nn.Conv2d) -> Tensor:
        """Return relu(layer(image))."""

    def add_relu(self, image: Tensor, layer: nn.Conv2d, other: Tensor) -> Tensor:
        """Return relu(layer(image) + other)."""


class CudnnConvolutions:
    """Those of cuDNN."""

    def relu(self, image: Tensor, layer: nn.Conv2d) -> Tensor:
        """Return relu(layer(image))."""
        return torch.cudnn_convolution_relu(image, layer.weight, layer.bias, *_shape(layer))

    def add_relu(self, image: Tensor, layer: nn.Conv2d, other: Tensor) -> Tensor:
        """Return relu(layer(image) + other)."""
        return torch.cudnn_convolution_add_relu(image, layer.weight, other, 1.0, layer.bias, *_shape(layer))


class FusedBlock(nn.Module):
    """A residual block for inference.

    The mask may come after the sum and the ReLU: outside the board the input is zero and stays so.
    """

    def __init__(self, block: ResidualBlock, convolutions: FusedConvolutions) -> None:
        """Take over the layers of a block whose norms are folded."""
        super().__init__()
        self.mask = block.mask
        self.first = block.first.convolution
        self.second = block.second.convolution
        self.squeeze = None if isinstance(block.squeeze, nn.Identity) else block.squeeze
        self._convolutions = convolutions

    def forward(self, image: Tensor) -> Tensor:
        """Map `[B, C, H, W]` to the same shape; zero outside the board before and after."""
        change = self.mask(self._convolutions.relu(image, self.first))
        if self.squeeze is None:
            return cast(Tensor, self.mask(self._convolutions.add_relu(change, self.second, image)))
        change = self.squeeze(self.mask(self.second(change)))
        return cast(Tensor, change.add_(image).relu_())


def fuse(network: ResidualNetwork, convolutions: FusedConvolutions) -> None:
    """Give a network for inference fused blocks, in place, if the library has them for its numbers.

    Which types and layouts a cuDNN takes shows only in a call: one small image of each block's kind is computed.
    """
    blocks = [block for block in network.tower if isinstance(block, ResidualBlock)]
    fused = [FusedBlock(block, convolutions) for block in blocks]
    weight, size = blocks[0].first.convolution.weight, network.config.geometry.size
    image = torch.zeros(4, weight.shape[1], size, size, dtype=weight.dtype, device=weight.device)
    try:
        with torch.inference_mode():
            fused[0](image.contiguous(memory_format=torch.channels_last))
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        _log.warning("convolutions are not fused, which costs time but changes nothing else: %s", reason)
        return
    network.tower = nn.Sequential(*fused)


def _shape(layer: nn.Conv2d) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], int]:
    """Return stride, padding, dilation and groups of a layer."""
    return layer.stride, cast(tuple[int, ...], layer.padding), layer.dilation, layer.groups
