"""How many samples a step goes through, and how many of them at once: what the GPU is worth, and what it holds."""

from __future__ import annotations

from collections.abc import Mapping

import torch

PROBE = 64
"""Samples of the step that shows how much memory a sample takes."""

_FAILED = ("out of memory", "can't allocate memory", "not enough memory", "bad_alloc", "std::bad_alloc")


def batch_for(batch: int, gpu: str | None, gpu_batches: Mapping[str, int]) -> int:
    """Samples of a step: the base, times what the settings say of a GPU whose name contains theirs."""
    return batch * next((times for name, times in gpu_batches.items() if gpu and name in gpu), 1)


def part_that_fits(batch: int, bytes_per_sample: int, free: int) -> int:
    """The largest half, quarter, … of a batch that fits into so many bytes; at least 1."""
    part = batch
    while part > 1 and part * bytes_per_sample > free:
        part = -(-part // 2)
    return part


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory has run out; torch has no type of its own for that on CPUs."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(said in str(error).lower() for said in _FAILED)
