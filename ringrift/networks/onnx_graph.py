"""The network as an ONNX graph: what `ResidualNetwork.heads` computes, written down for another program to compute.

The graph follows the modules of `ringrift.networks.residual` one by one, with their norms folded. The rows of a batch
are free, all other sizes fixed.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from ringrift.networks.residual import (
    ConvolutionNorm,
    Heads,
    MeanAndMax,
    PolicyHead,
    ResidualBlock,
    ResidualNetwork,
    SqueezeExcitation,
    Stem,
    ValueHead,
)

OPERATORS: Final = 17
"""The version of ONNX's set of operators."""


def channel_block() -> int:
    """Return the number whose multiples the input planes are filled up to.

    ONNX Runtime keeps images in blocks of channels if their number allows, of 16 with AVX-512 and of 8 with AVX2. With
    50 planes the first convolution of `small` took 27 % of the time, with 64 it takes 17 %.
    """
    return 16 if torch.backends.cpu.get_cpu_capability() == "AVX512" else 8


def onnx_graph(network: ResidualNetwork) -> ModelProto:
    """Return the graph of a network in float32 whose norms are folded, as `inference_copy` makes it.

    Its inputs are `features`, uint8 `[rows, planes, H, W]`, and `globals`, float32 `[rows, G]`; its outputs are those
    of `Heads`.
    """
    config, graph = network.config, _Graph(network)
    trunk = graph.stem(network.stem)
    for block in network.tower:
        assert isinstance(block, ResidualBlock)
        trunk = graph.block(block, trunk)
    graph.policy(network.policy, trunk, graph.pooled(network.pool, trunk))
    graph.value(network.value, trunk)
    size, policy, real = config.geometry.size, network.policy, TensorProto.FLOAT
    inputs = [
        _described("features", TensorProto.UINT8, config.input_planes, size, size),
        _described("globals", real, config.input_globals),
    ]
    outputs = [
        _described("hidden", real, size * size, policy.maps.in_features),
        _described("scalars", real, policy.scalars.out_features),
        _described("values", real, config.players),
    ]
    assert tuple(output.name for output in outputs) == Heads._fields
    whole = helper.make_graph(graph.nodes, config.architecture, inputs, outputs, graph.weights)
    return helper.make_model(whole, opset_imports=[helper.make_opsetid("", OPERATORS)])


def _described(name: str, kind: int, *shape: int) -> Any:
    """Describe an input or output by its name, its type and the shape of a row."""
    return helper.make_tensor_value_info(name, kind, ["rows", *shape])


class _Graph:
    """The nodes and weights of a graph; its methods add those of a module, and return the name of what they compute."""

    def __init__(self, network: ResidualNetwork) -> None:
        self.nodes: list[NodeProto] = []
        self.weights: list[TensorProto] = []
        self._scales = network.config.input_scales
        self._on_board = None if network.stem.mask.full else self._weight(network.stem.mask.cells)

    def stem(self, stem: Stem) -> str:
        layer = stem.convolution.convolution
        more = -layer.in_channels % channel_block()
        scales = layer.weight.new_tensor(self._scales).view(1, -1, 1, 1)
        weight = functional.pad((layer.weight / scales).contiguous(), (0, 0, 0, 0, 0, more))
        image = self._node("Pad", "features", self._integers(0, 0, 0, 0, 0, more, 0, 0))
        image = self._masked(self._node("Cast", image, to=TensorProto.FLOAT))
        image = self._convolved(image, weight, layer.bias)
        return self._relu(
            self._masked(self._node("Add", image, self._per_channel(self._dense("globals", stem.globals))))
        )

    def block(self, block: ResidualBlock, image: str) -> str:
        change = self._masked(self._relu(self._layer(image, block.first)))
        change = self._masked(self._layer(change, block.second))
        if isinstance(block.squeeze, SqueezeExcitation):
            change = self._squeezed(block.squeeze, change)
        return self._relu(self._node("Add", change, image))

    def pooled(self, pool: MeanAndMax, image: str) -> str:
        return self._node("Concat", self._mean(pool, image), self._flat(self._node("GlobalMaxPool", image)), axis=1)

    def policy(self, head: PolicyHead, trunk: str, pooled: str) -> None:
        image = self._node("Transpose", self._layer(trunk, head.convolution), perm=[0, 2, 3, 1])
        cells = self._node("Reshape", image, self._integers(0, -1, head.maps.in_features))
        bias = self._node("Unsqueeze", self._dense(pooled, head.bias), self._integers(1))
        self._node("Relu", self._node("Add", cells, bias), name="hidden")
        self._dense(pooled, head.scalars, name="scalars")

    def value(self, head: ValueHead, trunk: str) -> None:
        pooled = self.pooled(head.pool, self._relu(self._masked(self._layer(trunk, head.convolution))))
        self._node("Tanh", self._dense(self._relu(self._dense(pooled, head.dense)), head.values), name="values")

    def _squeezed(self, squeeze: SqueezeExcitation, image: str) -> str:
        channels = squeeze.squeeze.in_features
        gates = self._dense(self._relu(self._dense(self._mean(squeeze.pool, image), squeeze.squeeze)), squeeze.excite)
        factor, bias = (
            self._node("Slice", gates, self._integers(first), self._integers(first + channels), self._integers(1))
            for first in (0, channels)
        )
        factor = self._per_channel(self._node("Sigmoid", factor))
        return self._masked(self._node("Add", self._node("Mul", image, factor), self._per_channel(bias)))

    def _layer(self, image: str, layer: ConvolutionNorm) -> str:
        assert isinstance(layer.norm, nn.Identity), "norms have to be folded"
        return self._convolved(image, layer.convolution.weight, layer.convolution.bias)

    def _convolved(self, image: str, weight: Tensor, bias: Tensor | None) -> str:
        assert bias is not None
        kernel = weight.shape[-1]
        return self._node("Conv", image, self._weight(weight), self._weight(bias), pads=[kernel // 2] * 4)

    def _dense(self, rows: str, layer: nn.Linear, name: str = "") -> str:
        return self._node("Gemm", rows, self._weight(layer.weight), self._weight(layer.bias), transB=1, name=name)

    def _masked(self, image: str) -> str:
        """Return the image with zero outside the board, as `CellMask` does it."""
        return image if self._on_board is None else self._node("Mul", image, self._on_board)

    def _mean(self, pool: MeanAndMax, image: str) -> str:
        means = self._flat(self._node("GlobalAveragePool", image))
        return means if pool.share == 1 else self._node("Div", means, self._constant(np.float32(pool.share)))

    def _flat(self, image: str) -> str:
        return self._node("Flatten", image)

    def _relu(self, image: str) -> str:
        return self._node("Relu", image)

    def _per_channel(self, rows: str) -> str:
        """Return rows `[rows, C]` as `[rows, C, 1, 1]`, which goes with images."""
        return self._node("Unsqueeze", rows, self._integers(2, 3))

    def _node(self, operator: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        name = name or f"{operator}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name, **attributes))
        return name

    def _integers(self, *numbers: int) -> str:
        return self._constant(np.array(numbers, np.int64))

    def _weight(self, weight: Tensor) -> str:
        return self._constant(weight.detach().contiguous().numpy())

    def _constant(self, array: npt.ArrayLike) -> str:
        name = f"weight{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(array), name))
        return name
