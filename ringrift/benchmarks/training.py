"""Speed of training: samples per second of whole steps, loader included, and how much of that is the network."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median

import torch

from ringrift.benchmarks.loading import FEATURES, PASSES, write_synthetic
from ringrift.benchmarks.networks import achievable_flops, timed_on
from ringrift.datasets import open_dataset
from ringrift.datasets.loader import Batch, Loader
from ringrift.networks import NetworkConfig, build_network, device_name, flops
from ringrift.training import hyper_parameters
from ringrift.training.distributed import ProcessGroup
from ringrift.training.losses import PolicyTarget
from ringrift.training.step import Learner, TrainingSchedule

STEPS = 4
"""The steps of one repeat, enough that a single pause of the machine weighs less."""


@dataclass(frozen=True)
class TrainingSpeed:
    """Speed of training one network on one device."""

    architecture: str
    config: str
    device: str
    threads: int
    """The threads that torch computes with, on CPUs."""
    dtype: str
    compiled: bool
    batch: int
    samples_per_second: float
    """The samples per second of whole steps: loader, network, losses, optimiser, average."""
    outside: float
    """The share of a step that is not the network's forward and backward pass."""
    flops_per_sample: int
    """`PASSES` times those of a forward pass, further heads left out."""
    share: float
    """The share of the operations that large layers reach on the device in that type."""
    bytes_per_sample: int | None
    """The memory of a GPU that a sample takes; None on CPUs."""


def measure_training(
    architecture: str,
    board: str,
    players: int,
    *,
    batch: int,
    device: str = "cpu",
    compiled: bool = False,
    pcgrad: bool = False,
    repeats: int = 5,
) -> TrainingSpeed:
    """Measure steps on synthetic data; times are medians of the repeats."""
    group = ProcessGroup(0, 1, torch.device(device))
    config = NetworkConfig.of(architecture, board, players, FEATURES)
    changes = {"network": architecture, "batch": batch, "compile": compiled, "losses": {"pcgrad": pcgrad}}
    hyper = hyper_parameters(f"{board}_{players}p", changes=changes)
    with tempfile.TemporaryDirectory() as folder:
        dataset = open_dataset(write_synthetic(Path(folder), board, players, 4 * batch))
        learner = Learner(
            build_network(config), hyper, TrainingSchedule(batch, 10**6, 0), PolicyTarget(True, 1.0), group
        )
        batches = iter(Loader(dataset, batch=batch))
        first = next(batches).to(group.device)
        per_sample = None
        if group.device.type == "cuda":
            half = next(iter(Loader(dataset, batch=max(1, batch // 2))))
            per_sample = learner.measure_memory(half, first).per_sample
        learner.compile()
        for prepared in islice(batches, 2):
            learner.step([prepared])
        whole, network = [], []
        for _ in range(repeats):  # in turns, so that what else the machine does falls on both
            whole.append(timed_on(group.device, lambda: _steps(learner, batches)))
            network.append(timed_on(group.device, lambda: _passes(learner, first)))
    operations = PASSES * flops(config, whole_policy=False)
    rate = STEPS * batch / median(whole)
    return TrainingSpeed(
        architecture=architecture,
        config=f"{board}_{players}p",
        device=device_name(group.device),
        threads=torch.get_num_threads(),
        dtype=str(learner.dtype).removeprefix("torch."),
        compiled=compiled,
        batch=batch,
        samples_per_second=rate,
        outside=max(0.0, 1 - median(network) / median(whole)),
        flops_per_sample=operations,
        share=operations * rate / achievable_flops(device, learner.dtype),
        bytes_per_sample=per_sample,
    )


def _steps(learner: Learner, batches: Iterator[Batch]) -> None:
    """Run the steps as a training does them."""
    for batch in islice(batches, STEPS):
        learner.step([batch])


def _passes(learner: Learner, batch: Batch) -> None:
    """Run as often forward and backward through the network, and nothing else."""
    for _ in range(STEPS):
        learner.optimiser.zero_grad()
        outputs = learner.outputs(learner.module, batch)
        torch.stack([output.mean() for output in outputs]).sum().backward()  # type: ignore[no-untyped-call]
