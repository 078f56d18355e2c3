"""Speed of the networks: positions per second, and how much of the arithmetic that the device can do they use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import Final

import numpy as np
import torch
from torch.nn import functional

from ringrift.benchmarks.game import timed
from ringrift.game import policy_size
from ringrift.networks import (
    InferenceSession,
    NetworkConfig,
    build_network,
    device_name,
    flops,
    inference_copy,
    inference_type,
)

LEGAL_ACTIONS: Final = {"square8": 24, "hex8": 24, "square19": 128, "hexagonal": 128}
"""About the mean number of legal actions in random play."""


@dataclass(frozen=True)
class NetworkSpeed:
    """Speed of one network on one device, for one size of batch."""

    architecture: str
    config: str
    device: str
    threads: int
    """The threads that compute, on CPUs."""
    dtype: str
    memory_format: str
    batch: int
    positions_per_second: float
    """The positions per second of the network alone by torch, inputs on the device, no logits."""
    evaluated_per_second: float
    """The positions per second of `InferenceSession.evaluate`, copies and logits of legal actions included."""
    flops_per_position: int
    achievable_flops: float
    """The operations per second of large layers in the same type."""
    share: float
    """The share of `achievable_flops` that the network alone reaches."""


def measure_network(
    architecture: str,
    board: str = "square8",
    players: int = 2,
    *,
    batch: int = 256,
    device: str = "cpu",
    dtype: torch.dtype | None = None,
    memory_format: torch.memory_format = torch.channels_last,
    compiled: bool = False,
    repeats: int = 7,
) -> NetworkSpeed:
    """Measure one network; its times are medians of the repeats. `dtype` is by default the device's fastest."""
    where = torch.device(device)
    dtype = dtype or inference_type(where)
    config = NetworkConfig.of(architecture, board, players)
    network = build_network(config)
    draw = np.random.default_rng(1)
    size = config.geometry.size
    features = draw.integers(0, 2, (batch, config.input_planes, size, size), np.uint8)
    globals_ = draw.random((batch, config.input_globals), np.float32)
    legal = LEGAL_ACTIONS[board]
    offsets = np.arange(batch + 1) * legal
    actions = draw.integers(0, policy_size(config.geometry), batch * legal, np.int32)

    evaluator = InferenceSession(network, device=device, max_batch=batch, dtype=dtype, compiled=compiled)
    evaluated = median(_times(lambda: evaluator.evaluate(features, globals_, offsets, actions), where, repeats))

    plain = inference_copy(network, dtype, memory_format).to(where)
    heads = torch.compile(plain.heads, dynamic=True) if compiled else plain.heads
    images = torch.from_numpy(features).to(where).contiguous(memory_format=memory_format)
    others = torch.from_numpy(globals_).to(where)
    with torch.inference_mode():
        alone = median(_times(lambda: heads(images, others), where, repeats))

    operations = flops(config, whole_policy=False)
    achievable = achievable_flops(device, dtype)
    return NetworkSpeed(
        architecture=architecture,
        config=f"{board}_{players}p",
        device=device_name(where),
        threads=torch.get_num_threads(),
        dtype=str(dtype).removeprefix("torch."),
        memory_format=str(memory_format).removeprefix("torch."),
        batch=batch,
        positions_per_second=batch / alone,
        evaluated_per_second=batch / evaluated,
        flops_per_position=operations,
        achievable_flops=achievable,
        share=operations * batch / alone / achievable,
    )


@cache
def achievable_flops(device: str, dtype: torch.dtype, repeats: int = 7) -> float:
    """Return the operations per second of large layers in a type, whose memory traffic does not count.

    The better of a matrix product and a 3×3 convolution: on AMD processors torch's library for matrices is slow in
    float32, and a share of that would exceed one.
    """
    where = torch.device(device)
    side, batch, channels, size = (8192, 512, 256, 16) if where.type == "cuda" else (1024, 16, 256, 16)
    left, right = (torch.rand(side, side, device=where).to(dtype) for _ in range(2))
    image = torch.rand(batch, channels, size, size, device=where).to(dtype, memory_format=torch.channels_last)
    kernel = torch.rand(channels, channels, 3, 3, device=where).to(dtype, memory_format=torch.channels_last)
    with torch.inference_mode():
        product = 2 * side**3 / min(_times(lambda: left @ right, where, repeats))
        convolved = min(_times(lambda: functional.conv2d(image, kernel, padding=1), where, repeats))
    return max(product, 2 * kernel.numel() * batch * size**2 / convolved)


def _times(run: Callable[[], object], device: torch.device, repeats: int) -> list[float]:
    """Return the seconds of every call, after two calls that prepare kernels and memory."""
    return [timed_on(device, run) for _ in range(2 + repeats)][2:]


def timed_on(device: torch.device, run: Callable[[], object]) -> float:
    """Return the seconds that one call takes, until the device has done what it asks for."""

    def finished() -> None:
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return timed(finished)
