"""The sizes of batches and micro-batches: as many samples as the GPU is worth, and as many at once as it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch

from ringrift.networks.devices import device_bytes, device_name
from ringrift.training.settings import HyperParameters

PROBE = 64
"""The number of samples of the larger of two steps that measure the memory of a sample."""


class Gpu(NamedTuple):
    """The name and memory of a GPU, which decide its batch."""

    name: str
    gigabytes: float

    @classmethod
    def of(cls, device: torch.device) -> Gpu | None:
        """Return the GPU behind a device; None if it is none, or shares the memory of the machine."""
        size = device_bytes(device)
        return None if size is None else cls(device_name(device), size / 1e9)


class StepMemory(NamedTuple):
    """The bytes that a step takes beside weights and optimiser."""

    fixed: int
    """Whatever the samples: gradients, and the memory of libraries."""
    per_sample: int

    @classmethod
    def of(cls, sizes: tuple[int, int], peaks: tuple[int, int]) -> StepMemory:
        """Return the line through the peaks of two steps with different numbers of samples."""
        per_sample = max(1, -(-(peaks[1] - peaks[0]) // (sizes[1] - sizes[0])))
        return cls(max(0, peaks[0] - sizes[0] * per_sample), per_sample)


def times_for(gpu: Gpu, by_name: Mapping[str, int], by_gigabytes: Mapping[int, int]) -> int:
    """Return the factor of the batch for a GPU: by its name, else by its memory, else 1."""
    for name, times in by_name.items():
        if name in gpu.name:
            return times
    return next((times for least, times in sorted(by_gigabytes.items(), reverse=True) if gpu.gigabytes >= least), 1)


def batch_for(hyper: HyperParameters, gpu: Gpu | None, processes: int, steps_with: Callable[[int], int]) -> int:
    """Return the samples of a step of all processes together, a multiple of their number.

    The base of the settings, times the factor for the GPU of each; halved while a training would have fewer than
    `least_steps`, which `steps_with` that batch tells, but not below the base. Several CPUs share the base.
    """
    batch = hyper.batch
    if gpu is not None:
        batch *= times_for(gpu, hyper.gpu_batches, hyper.gpu_memory_batches) * processes
    while batch % (2 * processes) == 0 and batch // 2 >= hyper.batch and steps_with(batch) < hyper.least_steps:
        batch //= 2
    return max(batch // processes, 1) * processes


def micro_batch_that_fits(batch: int, memory: StepMemory, free: int) -> int:
    """Return the largest half, quarter, … of a batch that fits into the free bytes and divides it; at least 1."""
    part = batch
    while part % 2 == 0 and memory.fixed + part * memory.per_sample > free:
        part //= 2
    return part
