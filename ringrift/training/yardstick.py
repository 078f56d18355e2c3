"""The yardstick of a training: the losses of a network that knows nothing.

It calls all legal actions equally good, every game even, every cell anybody's. A network that ends worse was
spoiled by its training, as by a learning rate that is far too high: its loss may have fallen since, but it is useless.
"""

from __future__ import annotations

import torch

from ringrift.datasets import Dataset
from ringrift.datasets.loader import Batch, Loader
from ringrift.game import policy_size
from ringrift.networks import ResidualNetwork
from ringrift.training.distillation import Teachers
from ringrift.training.losses import Losses, PolicyTarget, losses
from ringrift.training.network import TrainingOutputs
from ringrift.training.settings import LossSettings
from ringrift.training.validation import MOST_AT_ONCE, Figures


@torch.no_grad()
def ignorant_losses(
    network: ResidualNetwork,
    dataset: Dataset,
    samples: int,
    settings: LossSettings,
    target: PolicyTarget,
    teachers: Teachers | None = None,
) -> Figures:
    """Return the mean `Losses`, by name, of knowing nothing about at most so many samples: those of `validate`.

    The network gives nothing but the shapes of what it predicts, `target` is that of the data set, and `teachers` are
    those of the training.
    """
    cells, actions = network.stem.mask.cells.flatten().cpu(), policy_size(network.config.geometry)
    sums, count = torch.zeros(len(Losses._fields)), 0
    for batch in Loader(dataset, batch=min(MOST_AT_ONCE, samples), epochs=1, augment=False):
        batch = batch if teachers is None else teachers.taught(batch)
        parts = losses(ignorant_outputs(batch, len(cells), actions), batch, settings, target, cells)
        sums += torch.stack(parts) * len(batch.outcome_values)
        count += len(batch.outcome_values)
        if count >= samples:
            break
    return dict(zip(Losses._fields, (sums / count).tolist(), strict=True))


def ignorant_outputs(batch: Batch, cells: int, actions: int) -> TrainingOutputs:
    """Return what a network that knows nothing makes of a batch."""
    count, players = batch.outcome_values.shape
    return TrainingOutputs(
        policy_logits=torch.zeros(len(batch.policy_actions)),
        values=torch.zeros(count, players),
        opponent_policy_logits=torch.zeros(count, actions),
        ownership_logits=torch.zeros(count, players + 1, cells),
        moves_left=torch.zeros(count),
    )
