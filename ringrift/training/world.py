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
class World:
    """This process among those of the run."""

    rank: int
    size: int
    device: torch.device

    @property
    def writes(self) -> bool:
        """Whether this is the one that writes files and talks."""
        return self.rank == 0

    def any(self, flag: bool) -> bool:
        """Whether the flag is up in any process; all have to ask."""
        if self.size == 1:
            return flag
        tensor = torch.tensor([float(flag)], device=self.device)
        distributed.all_reduce(tensor, distributed.ReduceOp.MAX)
        return bool(tensor.item())

    def mean(self, tensor: torch.Tensor) -> torch.Tensor:
        """The mean over all processes; all have to ask."""
        if self.size == 1:
            return tensor
        tensor = tensor.clone()
        distributed.all_reduce(tensor, distributed.ReduceOp.SUM)
        return tensor / self.size

    def wait(self) -> None:
        """Until all processes are here."""
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
def joined_world(device: str | None = None) -> Iterator[World]:
    """Join the other processes that torchrun has started, if it has; `device` is by default a GPU of one's own."""
    size, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    kind = checked_device(device)
    if kind == "cuda":
        kind = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
        torch.cuda.set_device(kind)
    if size == 1:
        yield World(0, 1, torch.device(kind))
        return
    distributed.init_process_group("nccl" if kind.startswith("cuda") else "gloo")
    try:
        yield World(rank, size, torch.device(kind))
    finally:
        distributed.destroy_process_group()
