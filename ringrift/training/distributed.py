"""The processes that train one network together, as `torchrun` starts them: one for each GPU, or one alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import distributed

from ringrift.errors import RingRiftError


@dataclass(frozen=True)
class ProcessGroup:
    """The processes of the run, and the place of this one among them."""

    rank: int
    size: int
    device: torch.device

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes files and reports."""
        return self.rank == 0

    def any(self, flag: bool) -> bool:
        """Return whether the flag is up in any process; all have to ask."""
        if self.size == 1:
            return flag
        tensor = torch.tensor([float(flag)], device=self.device)
        distributed.all_reduce(tensor, distributed.ReduceOp.MAX)
        return bool(tensor.item())

    def mean(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return the mean over all processes; all have to ask."""
        if self.size == 1:
            return tensor
        tensor = tensor.clone()
        distributed.all_reduce(tensor, distributed.ReduceOp.SUM)
        return tensor / self.size

    def barrier(self) -> None:
        """Wait until all processes are here."""
        if self.size > 1:
            distributed.barrier()


class NoDevice(RingRiftError):
    """A device that this machine does not have."""


def checked_device(device: str | None) -> str:
    """The device that is asked for, or the best there is; `NoDevice` if it is not there."""
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    known = ("cpu", *(["cuda"] if gpus else []), *(f"cuda:{number}" for number in range(gpus)))
    if device is not None and device not in known:
        raise NoDevice(f"device {device!r}: this machine has {', '.join(known)}")
    return device or ("cuda" if gpus else "cpu")


@contextmanager
def join_process_group(device: str | None = None) -> Iterator[ProcessGroup]:
    """Join the processes that torchrun has started, if it has; `device` is by default a GPU of one's own."""
    size, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    kind = checked_device(device)
    if kind == "cuda":
        kind = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
        torch.cuda.set_device(kind)
    if size == 1:
        yield ProcessGroup(0, 1, torch.device(kind))
        return
    distributed.init_process_group("nccl" if kind.startswith("cuda") else "gloo")
    try:
        yield ProcessGroup(rank, size, torch.device(kind))
    finally:
        distributed.destroy_process_group()
