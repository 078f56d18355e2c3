"""The sizes of batches and micro-batches: as many samples as the GPU is worth, and as many at once as it holds."""

from __future__ import annotations

from collections.abc import Mapping

import torch

PROBE = 64
"""The number of samples of the step that measures the memory of a sample."""

_FAILED = ("out of memory", "can't allocate memory", "not enough memory", "bad_alloc", "std::bad_alloc")


def batch_for(batch: int, gpu: str | None, gpu_batches: Mapping[str, int]) -> int:
    """Return the samples of a step: the base, times the factor of the settings for a GPU of that name."""
    return batch * next((times for name, times in gpu_batches.items() if gpu and name in gpu), 1)


def micro_batch_that_fits(batch: int, bytes_per_sample: int, free: int) -> int:
    """Return the largest half, quarter, … of a batch that fits into the free bytes; at least 1."""
    part = batch
    while part > 1 and part * bytes_per_sample > free:
        part = -(-part // 2)
    return part


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory has run out; torch has no type of its own for that on CPUs."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(said in str(error).lower() for said in _FAILED)
