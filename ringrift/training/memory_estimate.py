"""Estimates of the memory and the disk that a training takes, from the shapes of its network alone."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from ringrift.datasets import Layout
from ringrift.datasets.loader import batches_ahead
from ringrift.kernels.threads import default_threads
from ringrift.networks import NetworkConfig, build_network, parameter_count

FLOAT_BYTES: Final = 4
STATE_COPIES: Final = 4
"""The copies of every weight between steps and in a checkpoint: itself, its moving average, two moments of AdamW."""
PROCESS_BYTES: Final = 600 << 20
"""The memory of Python, torch, kernels and the shards' tables before the first batch: 390 MB without kernels."""
PEAK_FACTOR: Final = 3.0
"""The peak of a step on a CPU, above weights and process, over the tensors that are saved for the backward pass.
StepMetrics with small, v2 and v3 in float32 and batches of 16 to 512 on square8, square19 and hexagonal: 1.8 to 3.0."""


def checkpoint_bytes(config: NetworkConfig) -> int:
    """Return the bytes of a checkpoint from which a training can go on."""
    return parameter_count(_shapes(config)) * STATE_COPIES * FLOAT_BYTES


def step_bytes(config: NetworkConfig, batch: int) -> int:
    """Return the bytes that training with such batches takes on a CPU: weights, optimiser and the peak of a step."""
    weights = parameter_count(_shapes(config)) * (STATE_COPIES + 1) * FLOAT_BYTES  # one more for the gradients
    return weights + int(PEAK_FACTOR * saved_bytes(config, batch))


def process_bytes(config: NetworkConfig, batch: int) -> int:
    """Return the bytes of a process that has yet to train: itself, and the batches that its loader keeps ready.

    Pages of the shards do not count: the system drops them when it needs room.
    """
    layout = Layout(f"{config.board}_{config.players}p", config.features)
    sample = sum(dtype.itemsize * _product(shape) for dtype, shape in layout.rows.values())
    return PROCESS_BYTES + batches_ahead(layout, batch, default_threads()) * batch * sample


def saved_bytes(config: NetworkConfig, batch: int) -> int:
    """Return the bytes of all tensors that a forward pass saves for the backward pass; nothing is computed."""
    network = _shapes(config)
    parameters = {parameter.untyped_storage()._cdata for parameter in network.parameters()}
    saved: dict[int, torch.UntypedStorage] = {}  # which keeps them alive, so that no two have the same key

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        saved[storage._cdata] = storage
        return tensor

    size = config.geometry.size
    features = torch.zeros(batch, config.input_planes, size, size, dtype=torch.uint8, device="meta")
    globals_ = torch.zeros(batch, config.input_globals, device="meta")
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        output = network(features, globals_)
        torch.log_softmax(output.policy, 1).sum() + output.values.square().sum()
    return sum(storage.nbytes() for key, storage in saved.items() if key not in parameters)


def _shapes(config: NetworkConfig) -> torch.nn.Module:
    """Return the network without its numbers."""
    with torch.device("meta"):
        return build_network(config)


def _product(shape: tuple[int, ...]) -> int:
    return int(torch.Size(shape).numel())
