"""Batches on their way to the device: copied beside the computation, a few steps ahead of it and no more."""

from __future__ import annotations

from collections import deque
from typing import Final

import torch

from ringrift.datasets.loader import Batch

AHEAD: Final = 2
"""The steps that are asked of a GPU before it has done them: one that it computes, and one that it goes on with. More
would only hold more batches in its memory."""


class BatchCopies:
    """The copies of a training's batches on its device.

    On CUDA the host runs ahead of the GPU: while that computes a step, a stream of its own copies the batch of the next
    one. Elsewhere a batch is copied when it is asked for.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]
        self._steps: deque[torch.cuda.Event] = deque()

    def copy(self, batch: Batch) -> Batch:
        """Return the batch on the device; what is computed from now on sees all of it."""
        if self._stream is None:
            return batch.to(self._device)
        with torch.cuda.stream(self._stream):
            there = batch.to(self._device)
        computation = torch.cuda.current_stream(self._device)
        computation.wait_stream(self._stream)
        for tensor in there:
            tensor.record_stream(computation)  # its memory is used again only after that
        return there

    def end_step(self) -> None:
        """Mark the end of a step, and let the core sleep while the GPU is further behind than `AHEAD`."""
        if self._stream is None:
            return
        done = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        done.record(torch.cuda.current_stream(self._device))
        self._steps.append(done)
        if len(self._steps) > AHEAD:
            self._steps.popleft().synchronize()
