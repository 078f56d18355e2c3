"""One step of training, to be read from top to bottom in `Learner.step`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from ringrift.datasets.loader import Batch
from ringrift.datasets.manifest import Manifest
from ringrift.networks import ResidualNetwork, inference_type
from ringrift.training.batch_copies import BatchCopies
from ringrift.training.batch_size import StepMemory
from ringrift.training.distillation import Teachers
from ringrift.training.distributed import ProcessGroup
from ringrift.training.losses import Losses, PolicyTarget, losses
from ringrift.training.network import TrainingNetwork, TrainingOutputs
from ringrift.training.optimiser import ExponentialMovingAverage, learning_rate, parameter_groups
from ringrift.training.pcgrad import pcgrad
from ringrift.training.settings import HyperParameters


class TrainingSchedule(NamedTuple):
    """The length of a run in steps of the optimiser."""

    batch: int
    """The number of samples of a step."""
    steps: int
    warm_up: int
    decays: bool = True
    """Whether the learning rate falls to the least by the last step."""


class StepMetrics(NamedTuple):
    """The metrics of a step, still on the device."""

    losses: Tensor
    """float32 `[losses]`, in the order of `Losses`."""
    gradient_norm: Tensor
    """float32 `[]`: the norm of the gradient before it was clipped."""


class Learner:
    """A network in training, with its optimiser and the average that is kept."""

    def __init__(
        self,
        network: ResidualNetwork,
        hyper: HyperParameters,
        schedule: TrainingSchedule,
        target: PolicyTarget,
        group: ProcessGroup,
        teachers: Teachers | None = None,
    ) -> None:
        """Put everything on the device of this process; `teachers` are learned from in place of the searches."""
        self.hyper = hyper
        self.teachers = teachers
        self.schedule = schedule
        self.target = target
        self.steps = 0
        """The number of steps done so far."""
        device = group.device
        self.device = device
        self.module = TrainingNetwork(network, dropout=hyper.dropout)
        self.module.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        group.copy_from_first([*self.module.parameters(), *self.module.buffers()])
        self.average = ExponentialMovingAverage(self.module, hyper.ema_decay)
        groups = parameter_groups(self.module, hyper.weight_decay)
        self.optimiser = torch.optim.AdamW(groups, lr=hyper.learning_rate, fused=True)
        self._group = group
        # PCGrad asks for gradients of its own, which DDP would not see; it shares them itself.
        shares = group.size > 1 and not hyper.losses.pcgrad
        self._distributed = DistributedDataParallel(self.module, broadcast_buffers=False) if shares else None
        self._statistics = [
            tensor for name, tensor in self.module.named_buffers() if name.endswith(("running_mean", "running_var"))
        ]
        self._copies = BatchCopies(device)
        self._cells = network.stem.mask.cells.flatten()
        self.dtype = torch.float32 if hyper.precision == "float32" else torch.bfloat16
        if hyper.precision == "auto":
            self.dtype = inference_type(device)

    def step(self, batches: Sequence[Batch]) -> StepMetrics:
        """Learn from a batch, in as many equal micro-batches as memory asks for."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate
        self.module.train()
        self.optimiser.zero_grad()
        sums = torch.zeros(len(Losses._fields), device=self.device)
        for part, batch in enumerate(batches):
            with self._gradients_are_shared(part == len(batches) - 1):
                losses, _ = self.evaluate(self._distributed or self.module, self.prepared(batch), self.present_target)
                if self.hyper.losses.pcgrad:
                    self._backward_with_pcgrad(losses, 1 / len(batches))
                else:
                    (losses.total / len(batches)).backward()  # type: ignore[no-untyped-call]
            sums += torch.stack([loss.detach() for loss in losses])
        self._group.average(self._statistics)
        gradient_norm = nn.utils.clip_grad_norm_(self.module.parameters(), self.hyper.clip)
        self.optimiser.step()
        self.steps += 1
        self.average.update(self.steps)
        self._copies.end_step()
        return StepMetrics(sums / len(batches), gradient_norm)

    def compile(self) -> None:
        """Compile the part of the network whose shapes are those of every batch, if that is wanted.

        It is compiled at the first step, for the shapes of that step: measure memory before.
        """
        if self.hyper.compile:
            self.module.dense = torch.compile(self.module.dense, dynamic=False)  # type: ignore[method-assign]

    def go_on_from(self, tensors: Mapping[str, Any]) -> None:
        """Take over the weights, the average and the moments of the optimiser of a checkpoint, at step 0.

        Rate and weight decay stay those of the own hyper-parameters.
        """
        self.module.load_state_dict(tensors["module"])
        self.average.module.load_state_dict(tensors["average"])
        groups = [
            loaded | {name: value for name, value in group.items() if name != "params"}
            for loaded, group in zip(tensors["optimiser"]["param_groups"], self.optimiser.param_groups, strict=True)
        ]
        self.optimiser.load_state_dict(tensors["optimiser"] | {"param_groups": groups})

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return learning_rate(self.steps, self.hyper, *self.schedule)

    def prepared(self, batch: Batch) -> Batch:
        """Return a batch on the device, with what the teachers think of it where there are some."""
        return self._copies.copy(batch if self.teachers is None else self.teachers.taught(batch))

    @property
    def present_target(self) -> PolicyTarget:
        """The target of policies at this step, whose temperature is annealed; a validation has that of the end."""
        start, end = self.hyper.losses.policy_temperature
        done = self.steps / self.schedule.steps
        return self.target._replace(softness=end + (start - end) * (1 + math.cos(math.pi * done)) / 2)

    def target_of(self, manifest: Manifest) -> PolicyTarget:
        """Return the target of policies, with the share of the samples of a data set that have one."""
        return self.target if self.teachers else self.target._replace(share=manifest.policies / manifest.samples)

    def outputs(self, module: nn.Module, batch: Batch) -> TrainingOutputs:
        """Return the output of the trained or the averaged network for a batch on the device; convolve in `dtype`."""
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            return TrainingOutputs.of(module, batch)

    def evaluate(self, module: nn.Module, batch: Batch, target: PolicyTarget) -> tuple[Losses, Tensor]:
        """Return the losses of a batch on the device, and the values float32 `[B, P]`."""
        outputs = self.outputs(module, batch)
        return losses(outputs, batch, self.hyper.losses, target, self._cells), outputs.values

    def measure_memory(self, small: Batch, large: Batch) -> StepMemory:
        """Measure the memory of the GPU that a step takes, by two batches of different size; nothing is learned."""
        state = deepcopy(self.module.state_dict())
        with torch.random.fork_rng([self.device]):
            self._peak(small)  # libraries choose their kernels, for which they take more memory once
            peaks = self._peak(small), self._peak(large)
        self.module.load_state_dict(state)  # the statistics of the norms
        sizes = len(small.outcome_values), len(large.outcome_values)
        return StepMemory.of(sizes, peaks)

    def _peak(self, batch: Batch) -> int:
        """Return the bytes that a forward and a backward pass take on the GPU beside what is there already."""
        before = torch.cuda.memory_allocated(self.device)
        torch.cuda.reset_peak_memory_stats(self.device)
        self.evaluate(self.module.train(), batch.to(self.device), self.target)[0].total.backward()  # type: ignore[no-untyped-call]
        peak = torch.cuda.max_memory_allocated(self.device)
        self.optimiser.zero_grad()
        return peak - before

    def _gradients_are_shared(self, last: bool) -> AbstractContextManager[object]:
        """Let processes add up their gradients once a step, not after every micro-batch."""
        return nullcontext() if last or self._distributed is None else self._distributed.no_sync()

    def _backward_with_pcgrad(self, losses: Losses, share: float) -> None:
        """Add the gradients of policy and values; those of the trunk are joined by PCGrad."""
        settings = self.hyper.losses
        policy = (
            losses.policy + settings.opponent_policy * losses.opponent_policy - settings.entropy_bonus * losses.entropy
        )
        parts = (policy, losses.total - policy)
        network = self.module.network
        trunk = [*network.stem.parameters(), *network.tower.parameters()]
        shared = {id(one) for one in trunk}
        heads = [one for one in self.module.parameters() if id(one) not in shared]
        flat, own = [], []
        # All processes need the same result, so the gradients are averaged first, with a call for each part.
        for part in parts:
            gradients = torch.autograd.grad(
                part * share, [*trunk, *heads], retain_graph=True, allow_unused=True, materialize_grads=True
            )
            self._group.average(gradients)
            flat.append(torch.cat([gradient.flatten() for gradient in gradients[: len(trunk)]]))
            own.append(gradients[len(trunk) :])
        combined = pcgrad(flat, np.random.default_rng((self.hyper.seed, self.steps)))
        start = 0
        for one in trunk:
            _add_gradient(one, combined[start : start + one.numel()].view_as(one))
            start += one.numel()
        for one, of_policy, of_values in zip(heads, *own, strict=True):
            _add_gradient(one, of_policy + of_values)


def _add_gradient(parameter: nn.Parameter, gradient: Tensor) -> None:
    parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient
