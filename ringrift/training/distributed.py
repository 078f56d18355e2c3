"""The processes that train one network together, as `torchrun` starts them: one for each GPU, or one alone."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import distributed

from ringrift.kernels.cores import own_cores, share_of_cores, use_cores
from ringrift.networks.devices import NoDevice, checked_device, known_devices


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

    def average(self, tensors: Sequence[torch.Tensor]) -> None:
        """Set tensors of one type to their means over all processes, in place, with a single call."""
        if self.size == 1:
            return
        means = self.mean(torch.cat([tensor.flatten() for tensor in tensors]))
        parts = torch.split(means, [tensor.numel() for tensor in tensors])
        for tensor, mean in zip(tensors, parts, strict=True):
            tensor.copy_(mean.view_as(tensor))

    def copy_from_first(self, tensors: Sequence[torch.Tensor]) -> None:
        """Set tensors to those of the first process, in place."""
        if self.size > 1:
            for tensor in tensors:
                distributed.broadcast(tensor.detach(), 0)

    def least(self, number: int) -> int:
        """Return the least number of all processes; all have to ask."""
        if self.size == 1:
            return number
        tensor = torch.tensor(number, device=self.device)
        distributed.all_reduce(tensor, distributed.ReduceOp.MIN)
        return int(tensor.item())

    def barrier(self) -> None:
        """Wait until all processes are here."""
        if self.size > 1:
            distributed.barrier()


@contextmanager
def join_process_group(device: str | None = None) -> Iterator[ProcessGroup]:
    """Join the processes that torchrun has started, if it has; `device` is by default a GPU of one's own.

    The processes of a machine share its cores.
    """
    size, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    place, neighbours = int(os.environ.get("LOCAL_RANK", "0")), int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    kind = checked_device(device)
    if kind == "cuda":
        kind = f"cuda:{place}"
        if kind not in known_devices():
            raise NoDevice(f"process {place} of {neighbours} has no GPU: start as many processes as there are GPUs")
    if kind.startswith("cuda"):
        torch.cuda.set_device(kind)
    if size == 1:
        yield ProcessGroup(0, 1, torch.device(kind))
        return
    use_cores(share_of_cores(own_cores(), place, neighbours))
    distributed.init_process_group("nccl" if kind.startswith("cuda") else "gloo")
    try:
        yield ProcessGroup(rank, size, torch.device(kind))
    finally:
        distributed.destroy_process_group()
