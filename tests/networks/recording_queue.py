"""A device that is no device: a queue with memory of its own on the CPU, which records what it is asked to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from ringrift.networks.device_queue import CopyingQueue

Captured = TypeVar("Captured")


class Call(NamedTuple):
    """What a device was asked to do, and with how many rows or bytes."""

    what: str
    size: int = 0


class RecordingQueue(CopyingQueue):
    """The same order of calls as on a GPU, with graphs, fixed sizes and memory that can run out.

    What is fetched arrives only with the wait, as on a GPU: who reads too early reads the numbers of before.
    """

    def __init__(self, batch_sizes: tuple[int, ...] = (8, 16, 32), room: int | None = None) -> None:
        super().__init__(torch.device("cpu"))
        self.batch_sizes = batch_sizes
        self.room = room
        """The most rows that its memory holds; None for any."""
        self.calls: list[Call] = []
        self._arriving: list[tuple[Tensor, Tensor]] = []

    def sizes(self, what: str) -> list[int]:
        """Return the sizes of all calls of one kind, in order."""
        return [call.size for call in self.calls if call.what == what]

    def send(self, host: Sequence[Tensor], device: Sequence[Tensor]) -> None:
        self.calls.append(Call("send", sum(one.nbytes for one in host)))
        super().send(host, device)

    def capture(self, run: Callable[[], Captured]) -> Callable[[], Captured]:
        outputs = run()  # on fixed memory: every replay writes its outputs where the first one did
        assert isinstance(outputs, tuple)
        rows = len(outputs[0])
        if self.room is not None and rows > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        self.calls.append(Call("capture", rows))

        def replay() -> Captured:
            self.calls.append(Call("launch", rows))
            again = run()
            assert isinstance(again, tuple)
            for fixed, new in zip(outputs, again, strict=True):
                fixed.copy_(new)
            return outputs

        return replay

    def fetch(self, result: Tensor, host: Tensor) -> Tensor:
        self.calls.append(Call("fetch", result.nbytes))
        self._arriving.append((result.clone(), host))
        return host

    def finish(self) -> Callable[[], None]:
        arriving, self._arriving = self._arriving, []

        def wait() -> None:
            self.calls.append(Call("wait"))
            for found, host in arriving:
                host.copy_(found)

        return wait

    def settle(self) -> None:
        self.calls.append(Call("settle"))

    def release(self) -> None:
        self.calls.append(Call("release"))
