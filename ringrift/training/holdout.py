"""Any model on the games that are held out: losses, how true its values are, what it has only learned by heart.

Only the heads that play are measured: policy and values. Those that teach the trunk are no part of a model.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import torch

from ringrift.datasets import Dataset
from ringrift.datasets.loader import Loader
from ringrift.networks import ResidualNetwork
from ringrift.run_context import Cancelled, RunContext
from ringrift.training.calibration import Calibration, calibration
from ringrift.training.hard_positions import HardPositionsReport
from ringrift.training.losses import choose_policy_target, losses
from ringrift.training.network import TrainingNetwork, TrainingOutputs
from ringrift.training.settings import LossSettings
from ringrift.training.thresholds import ReportSettings
from ringrift.training.validation import MOST_AT_ONCE, Figures

PLAYING: Final = ("policy", "value", "accuracy")
"""The measures of the heads that play."""


@dataclass(frozen=True)
class HoldoutReport:
    """The losses and scores of a model in games that it has not learned from."""

    model: str
    config: str
    samples: int
    holdout: Figures
    """The measures `PLAYING` on the games that are held out."""
    training: Figures | None
    """The same on as many samples of the data set for training; None where there is none."""
    calibration: Calibration | None
    gap_bound: float
    regression: HardPositionsReport | None = None
    """The model's scores in the regression set of its config; None where there is none."""

    @property
    def gap(self) -> float | None:
        """The policy loss on the games held out less that on the others, which the model may have learned from."""
        return None if self.training is None else self.holdout["policy"] - self.training["policy"]

    def warnings(self) -> list[str]:
        """Return what one should know before trusting the network."""
        if self.gap is None or abs(self.gap) <= self.gap_bound:
            return []
        apart = f"{self.gap:+.2f} beside the others, more than {self.gap_bound:.2f}"
        return [f"the policy loss on games held out is {apart}"]

    def to_json(self) -> dict[str, Any]:
        """Return the report for machines."""
        return asdict(self) | {"gap": self.gap, "warnings": self.warnings()}


def measure_holdout(
    model: str,
    network: ResidualNetwork,
    holdout: Dataset,
    training: Dataset | None,
    settings: LossSettings,
    context: RunContext[ReportSettings],
    *,
    samples: int,
) -> HoldoutReport:
    """Measure a network on at most so many samples of each data set, always the same ones. `Cancelled`."""
    figures, predicted, outcomes = _measure(network, holdout, settings, samples, context)
    return HoldoutReport(
        model=model,
        config=holdout.manifest.config,
        samples=len(predicted),
        holdout=figures,
        training=None if training is None else _measure(network, training, settings, samples, context)[0],
        calibration=calibration(predicted, outcomes, context.settings.calibration_bins),
        gap_bound=context.settings.gap,
    )


@torch.no_grad()
def _measure(
    network: ResidualNetwork, dataset: Dataset, settings: LossSettings, samples: int, context: RunContext[object]
) -> tuple[Figures, np.ndarray[Any, np.dtype[np.float32]], np.ndarray[Any, np.dtype[np.float32]]]:
    """Return the measures, and for every sample the predicted value of the player to act and its outcome."""
    manifest = dataset.manifest
    module = TrainingNetwork(network, dropout=0.0).eval()
    target = choose_policy_target(settings, dataset.samples, manifest.policies)
    cells = network.stem.mask.cells.flatten()
    sums: dict[str, float] = dict.fromkeys(PLAYING, 0.0)
    predicted, outcomes = [], []
    count = 0
    for batch in Loader(dataset, batch=min(MOST_AT_ONCE, samples), epochs=1, augment=False):
        if context.cancelled:
            raise Cancelled("the measurement was cancelled")
        outputs = TrainingOutputs.of(module, batch)
        parts = losses(outputs, batch, settings, target, cells)
        size = len(batch.outcome_values)
        for name in PLAYING:
            sums[name] += float(getattr(parts, name)) * size
        predicted.append(outputs.values[:, 0].numpy())
        outcomes.append(batch.outcome_values[:, 0].numpy())
        count += size
        context.progress(f"measuring on {dataset.path.name}", count, min(samples, dataset.samples))
        if count >= samples:
            break
    figures = {name: value / max(count, 1) for name, value in sums.items()}
    return figures, np.concatenate(predicted), np.concatenate(outcomes)
