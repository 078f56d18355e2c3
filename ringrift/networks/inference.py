"""Inference for searches: from positions and their legal actions to logits and values."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import convert_conv2d_weight_memory_format

from ringrift.networks.residual import CellMask, ConvolutionNorm, ResidualNetwork

ROW_BLOCK: Final = 4
"""Batches are padded to a multiple of this, so that rows do not depend on how many they are."""


def inference_type(device: torch.device) -> torch.dtype:
    """Return bfloat16 where the device multiplies it natively, else float32.

    Measured on one core of a Zen 5 (avx512_bf16), batches of 256: 1.4 times as many positions per second as in float32
    with the small network, 1.9 times with v2.
    """
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        capabilities = torch.cpu.get_capabilities()
        native = bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return torch.bfloat16 if native else torch.float32


def inference_device() -> str:
    """Return the name of the device to use: a GPU where there is one."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def inference_copy(network: ResidualNetwork, dtype: torch.dtype, memory_format: torch.memory_format) -> ResidualNetwork:
    """Return a copy for inference: norms folded, convolutions in `dtype`, dense layers in float32.

    Casting once is what autocast would do anew for every batch.
    """
    copy = deepcopy(network).eval().requires_grad_(False)
    for module in copy.modules():
        if isinstance(module, ConvolutionNorm):
            module.fold()
    for module in copy.modules():
        if isinstance(module, nn.Conv2d | CellMask):
            module.to(dtype)
    copy.stem.scale = copy.stem.scale.to(dtype, memory_format=memory_format)
    convert_conv2d_weight_memory_format(copy, memory_format)
    return copy


class InferenceSession:
    """A network on a device, prepared for inference.

    The same batch gives the same answer, bit for bit. What a row answers should not depend on the other rows either. On
    the CPUs measured it does not: neither on their number, nor on their order, nor on the threads. The padding to
    `ROW_BLOCK` does that; without it, matrix products add up in another order for 1 or 3 rows than for 4. GPU libraries
    choose their kernels by the size of the batch, so there expect it to hold up to rounding.

    On CPUs torch splits each layer over `torch.get_num_threads()` threads that wait for each other: let it have only
    cores on which nothing else computes at the same time; a single thread shares cores well.
    """

    def __init__(
        self,
        network: ResidualNetwork,
        *,
        device: str | torch.device = "cpu",
        max_batch: int = 1024,
        dtype: torch.dtype | None = None,
        compiled: bool = False,
    ) -> None:
        """Copy the network to the device; later changes to its weights do not reach the copy.

        `max_batch` bounds the memory: larger batches are split. `dtype` is that of the convolutions, by default the
        fastest that the device has. `compiled` joins the small steps between convolutions with `torch.compile`; it
        needs a C++ compiler and some seconds at the first batch.
        """
        self.config = network.config
        self.device = torch.device(device)
        self.dtype = dtype or inference_type(self.device)
        self.max_batch = max_batch
        self._network = inference_copy(network, self.dtype, torch.channels_last).to(self.device)
        heads = self._network.heads
        self._heads = torch.compile(heads, dynamic=True) if compiled else heads

    @torch.inference_mode()
    def evaluate(
        self,
        features: npt.NDArray[np.uint8],
        globals_: npt.NDArray[np.float32],
        offsets: npt.NDArray[np.int64],
        actions: npt.NDArray[np.int32],
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return logits of legal actions, and values.

        `features` are `[B, planes, H, W]` and `globals_` `[B, G]`, writable arrays. The legal actions of position b are
        `actions[offsets[b] : offsets[b + 1]]`, with `offsets` `[B + 1]` and `actions` `[L]`. Returns logits `[L]`,
        aligned with `actions`, and values `[B, P]` from −1 to 1, where player 0 is the one to act in that position.
        """
        self._check(features, globals_, offsets, actions)
        batch = len(features)
        logits, values = [torch.empty(0)], [torch.empty(0, self.config.players)]
        for first in range(0, batch, self.max_batch):
            # Nothing in this loop waits for a GPU: while it computes one part, the next is copied to it.
            last = min(first + self.max_batch, batch)
            legal = slice(int(offsets[first]), int(offsets[last]))
            part = self._evaluate(
                features[first:last], globals_[first:last], np.diff(offsets[first : last + 1]), actions[legal]
            )
            logits.append(part[0])
            values.append(part[1])
        return torch.cat([part.cpu() for part in logits]).numpy(), torch.cat([part.cpu() for part in values]).numpy()

    def _evaluate(
        self,
        features: npt.NDArray[np.uint8],
        globals_: npt.NDArray[np.float32],
        counts: npt.NDArray[np.int64],
        actions: npt.NDArray[np.int32],
    ) -> tuple[Tensor, Tensor]:
        """Return logits `[L]` and values `[B, P]` on the device; `counts` `[B]` of legal actions by position."""
        batch = len(features)
        padding = -batch % ROW_BLOCK
        images = functional.pad(self._send(features), (0, 0, 0, 0, 0, 0, 0, padding))
        others = functional.pad(self._send(globals_), (0, 0, 0, padding))
        heads = self._heads(images.contiguous(memory_format=torch.channels_last), others)
        rows = torch.repeat_interleave(self._send(counts), output_size=len(actions))
        logits = self._network.policy.chosen(heads.hidden, heads.scalars, rows, self._send(actions).long())
        return logits, heads.values[:batch]

    def _send(self, array: npt.NDArray[Any]) -> Tensor:
        """Send an array to the device. A GPU copies it while the CPU goes on, from pinned memory that torch reuses."""
        tensor = torch.from_numpy(array)
        return tensor if self.device.type == "cpu" else tensor.pin_memory().to(self.device, non_blocking=True)

    def _check(
        self,
        features: npt.NDArray[np.uint8],
        globals_: npt.NDArray[np.float32],
        offsets: npt.NDArray[np.int64],
        actions: npt.NDArray[np.int32],
    ) -> None:
        batch, size = len(features), self.config.geometry.size
        expected: dict[str, tuple[npt.NDArray[Any], type[np.generic], tuple[int, ...]]] = {
            "features": (features, np.uint8, (batch, self.config.input_planes, size, size)),
            "globals": (globals_, np.float32, (batch, self.config.input_globals)),
            "offsets": (offsets, np.int64, (batch + 1,)),
            "actions": (actions, np.int32, (int(offsets[-1]),)),
        }
        for name, (array, dtype, shape) in expected.items():
            if array.dtype != dtype or array.shape != shape:
                raise ValueError(f"{name} are {array.dtype} {array.shape}, not {np.dtype(dtype)} {shape}")
