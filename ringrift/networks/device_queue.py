"""The queue of an inference session on a device: memory on both sides, copies beside the computation, one wait.

A session fills memory of the host, `send`s it, computes, and `fetch`es what came out. Nothing of that waits. Only the
function that `finish` returns does, so that the host encodes the next batch while the device computes this one.

On a CPU both sides are the same memory, and all is done at once. On CUDA copies have a stream of their own, the host's
memory is pinned, and a wait lets the core sleep. Devices with a memory of their own but without streams that are worth
it, Apple's, copy at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Protocol, TypeVar

import torch
from torch import Tensor

Captured = TypeVar("Captured")

GPU_BATCHES: Final = (64, 256, 512, 768, 1024, 1536, 2048, 3072, 4096)
"""The sizes that batches are padded to on CUDA. cuDNN plans every size anew and a graph is captured for each, so they
are few; from 512 on they are at most a half apart, so that padding costs at most a third of a batch. Not tuned."""
WARM_UPS: Final = 3
"""Calls before a graph is captured, in which libraries choose their kernels; PyTorch's documentation asks for three."""


class DeviceQueue(Protocol):
    """The work of one session on its device, in the order in which it is enqueued."""

    device: torch.device
    batch_sizes: tuple[int, ...]
    """The sizes that batches are padded to, in ascending order; empty where any size is as good."""

    def host_memory(self, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """Return memory of the host that the device copies from and to."""

    def device_memory(self, host: Tensor) -> Tensor:
        """Return memory of the device for what is sent from there; the same memory where both are one."""

    def send(self, host: Sequence[Tensor], device: Sequence[Tensor]) -> None:
        """Copy to the device; what is computed later sees it."""

    def computing(self) -> AbstractContextManager[object]:
        """Return the context in which work for the device is enqueued."""

    def capture(self, run: Callable[[], Captured]) -> Callable[[], Captured]:
        """Return a function that does what `run` does on the same memory, and returns what that returned."""

    def fetch(self, result: Tensor, host: Tensor) -> Tensor:
        """Return where an output is on the host once `finish` has waited: in `host`, or where it is already."""

    def finish(self) -> Callable[[], None]:
        """Return a function that waits until all that has been enqueued so far is done."""

    def settle(self) -> None:
        """Wait for everything that was done to the device outside this queue."""

    def release(self) -> None:
        """Give memory back that nothing uses."""


class HostQueue:
    """The queue of a CPU: nothing is copied, nothing is waited for."""

    batch_sizes: tuple[int, ...] = ()

    def __init__(self) -> None:
        self.device = torch.device("cpu")

    def host_memory(self, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """Return ordinary memory, zero so that it holds numbers wherever a batch is padded."""
        return torch.zeros(tuple(shape), dtype=dtype)

    def device_memory(self, host: Tensor) -> Tensor:
        """Return the same memory."""
        return host

    def send(self, host: Sequence[Tensor], device: Sequence[Tensor]) -> None:
        """Do nothing: it is there."""

    def computing(self) -> AbstractContextManager[object]:
        """Return a context without effect."""
        return nullcontext()

    def capture(self, run: Callable[[], Captured]) -> Callable[[], Captured]:
        """Return the function itself."""
        return run

    def fetch(self, result: Tensor, host: Tensor) -> Tensor:
        """Return the output itself."""
        return result

    def finish(self) -> Callable[[], None]:
        """Return a function that does nothing: all is done."""
        return _nothing

    def settle(self) -> None:
        """Do nothing."""

    def release(self) -> None:
        """Do nothing: torch keeps no memory of the CPU."""


class CopyingQueue(HostQueue):
    """The queue of a device with a memory of its own, which computes and copies in one order."""

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self.device = device

    def device_memory(self, host: Tensor) -> Tensor:
        """Return memory of the device."""
        return torch.zeros(host.shape, dtype=host.dtype, device=self.device)

    def send(self, host: Sequence[Tensor], device: Sequence[Tensor]) -> None:
        """Copy now."""
        for source, target in zip(host, device, strict=True):
            target.copy_(source)

    def fetch(self, result: Tensor, host: Tensor) -> Tensor:
        """Copy now."""
        return host.copy_(result)


class CudaQueue(CopyingQueue):
    """The queue of an NVIDIA GPU: two streams, pinned memory, graphs, and waits that leave the core to others."""

    batch_sizes: tuple[int, ...] = GPU_BATCHES

    def __init__(self, device: torch.device) -> None:
        super().__init__(device)
        self._copies = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._computation = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._graph_memory = torch.cuda.graph_pool_handle()

    def host_memory(self, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """Return pinned memory, from which a GPU copies by itself."""
        with torch.cuda.device(self.device):  # or it would take memory of the first GPU, too
            return torch.zeros(tuple(shape), dtype=dtype, pin_memory=True)

    def device_memory(self, host: Tensor) -> Tensor:
        """Return memory of the GPU, set to zero in the order of both streams."""
        with torch.cuda.stream(self._copies):
            memory = super().device_memory(host)
        self._computation.wait_stream(self._copies)
        return memory

    def send(self, host: Sequence[Tensor], device: Sequence[Tensor]) -> None:
        """Copy beside what is being computed. Nothing reads the target: its last batch has been waited for."""
        with torch.cuda.stream(self._copies):
            for source, target in zip(host, device, strict=True):
                target.copy_(source, non_blocking=True)
        self._computation.wait_stream(self._copies)

    def computing(self) -> AbstractContextManager[object]:
        """Return the context of the stream of the computation."""
        return torch.cuda.stream(self._computation)

    def capture(self, run: Callable[[], Captured]) -> Callable[[], Captured]:
        """Capture a graph. Its many small kernels are launched by one call, and always the same ones."""
        # Few sizes, so that the fastest kernels are worth being looked for.
        chosen = torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=torch.backends.cudnn.allow_tf32)
        with torch.cuda.stream(self._computation), chosen:
            for _ in range(WARM_UPS):
                run()
            self._computation.synchronize()
            graph = torch.cuda.CUDAGraph()
            # Graphs run one after another, so they share the memory of what is forgotten; other threads may use CUDA.
            with torch.cuda.graph(graph, self._graph_memory, self._computation, capture_error_mode="thread_local"):
                outputs = run()

        def replay() -> Captured:
            graph.replay()
            return outputs

        return replay

    def fetch(self, result: Tensor, host: Tensor) -> Tensor:
        """Copy into pinned memory after the computation."""
        return host.copy_(result, non_blocking=True)

    def finish(self) -> Callable[[], None]:
        """Return a function that lets the core sleep until the GPU has come so far."""
        reached = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        reached.record(self._computation)
        return reached.synchronize

    def settle(self) -> None:
        """Wait for all streams: weights have been copied on another one."""
        torch.cuda.synchronize(self.device)

    def release(self) -> None:
        """Give the memory that torch keeps for later back to the GPU."""
        torch.cuda.empty_cache()


def queue_of(device: torch.device) -> DeviceQueue:
    """Return a new queue of a device."""
    if device.type == "cpu":
        return HostQueue()
    return CudaQueue(device) if device.type == "cuda" else CopyingQueue(device)


def _nothing() -> None:
    """Do nothing."""
