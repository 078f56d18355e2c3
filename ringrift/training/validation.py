"""Validation: the losses of a network on games that it has learned from, or on games held out, measured alike."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from ringrift.datasets import Dataset
from ringrift.datasets.loader import Loader
from ringrift.training.distributed import ProcessGroup
from ringrift.training.losses import Losses
from ringrift.training.step import Learner

MOST_AT_ONCE = 1024

Figures = dict[str, float]
"""`Losses` by name."""


class Validation(NamedTuple):
    """Means over N samples, and the prediction for each."""

    figures: Figures
    predicted: npt.NDArray[np.float32]
    """The value of the network for the player to act: `[N]`."""
    outcomes: npt.NDArray[np.float32]
    """The outcome value of that player: `[N]`."""


@torch.no_grad()
def validate(learner: Learner, dataset: Dataset, samples: int, *, at_once: int, group: ProcessGroup) -> Validation:
    """Measure the averaged network on at most so many samples, the same ones every time, as they are stored.

    Not more than `at_once` go through the network together. The processes of a group share the samples and have the
    same figures, bit for bit, so that they come to the same decisions; the predictions are of one's own share.
    """
    target = learner.target_of(dataset.manifest)
    count = 0
    sums = torch.zeros(len(Losses._fields), device=learner.device)
    predicted, outcomes = [np.empty(0, np.float32)], [np.empty(0, np.float32)]
    share = -(-samples // group.size)
    at_once = min(MOST_AT_ONCE, at_once, share)
    for batch in Loader(dataset, batch=at_once, epochs=1, augment=False, rank=group.rank, world_size=group.size):
        parts, values = learner.evaluate(learner.average.module, learner.prepared(batch), target)
        size = len(batch.outcome_values)
        sums += torch.stack(parts) * size
        predicted.append(values[:, 0].cpu().numpy())
        outcomes.append(batch.outcome_values[:, 0].cpu().numpy())
        count += size
        if count >= share:
            break
    means = group.mean(sums) / group.mean(torch.tensor(float(count), device=learner.device))
    return Validation(
        dict(zip(Losses._fields, means.tolist(), strict=True)),
        np.concatenate(predicted),
        np.concatenate(outcomes),
    )
