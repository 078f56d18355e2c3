"""A program for torchrun: some steps of a network whose norms do not depend on the batch; prints its weights.

torchrun --nproc-per-node 2 shared_steps.py DATASET PREFIX [pcgrad]
"""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path

import torch

from ringrift.datasets import open_dataset
from ringrift.datasets.loader import Loader
from ringrift.networks import NetworkConfig, build_network
from ringrift.training import hyper_parameters
from ringrift.training.distributed import join_process_group
from ringrift.training.losses import PolicyTarget
from ringrift.training.step import Learner, TrainingSchedule

BATCH = 64


def weights_after(steps: int, dataset: Path, *, pcgrad: bool = False, parts: int = 2) -> torch.Tensor:
    """All parameters after some steps, in which every process takes its share of the batch, in so many parts."""
    changes = {"precision": "float32", "dropout": 0.0, "losses": {"pcgrad": pcgrad}}
    hyper = hyper_parameters("square8_2p", changes=changes)
    with join_process_group("cpu") as group:
        torch.manual_seed(1)
        network = build_network(NetworkConfig.of("small", "square8", 2, "v1"))
        learner = Learner(network, hyper, TrainingSchedule(BATCH, steps, 0), PolicyTarget(True, 1.0), group)
        learner.module.eval()
        learner.module.train = lambda mode=True: learner.module  # type: ignore[method-assign]
        part = BATCH // group.size // parts
        loader = Loader(open_dataset(dataset), batch=part, rank=group.rank, world_size=group.size)
        batches = iter(loader)
        for _ in range(steps):
            learner.step(list(islice(batches, parts)))
        return torch.cat([parameter.detach().flatten() for parameter in learner.module.parameters()])


if __name__ == "__main__":
    import os

    with_pcgrad = "pcgrad" in sys.argv
    found = weights_after(4, Path(sys.argv[1]), pcgrad=with_pcgrad, parts=1 if with_pcgrad else 2)
    torch.save(found, f"{sys.argv[2]}-{os.environ.get('RANK', 'alone')}.pt")
