"""Calibration of values: what came, on average, of positions that a network calls +0.4?

The expected calibration error (ECE) of Guo et al. 2017 ("On Calibration of Modern Neural Networks", arXiv:1706.04599,
equation 3), on values in place of probabilities: predictions fall into bins of equal width, and the ECE is the mean
distance between prediction and outcome of the bins, weighted by their samples. It is in units of the value, −1 … 1:
with two players, half of it is the error of the chance to win.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Bin:
    """The samples whose predictions lie in one interval; there is at least one."""

    low: float
    high: float
    samples: int
    prediction: float
    """Mean."""
    outcome: float
    """Mean."""
    error: float
    """Standard error of the mean of outcome − prediction, were the samples independent; 0 for a single sample."""


@dataclass(frozen=True)
class Calibration:
    """Predicted values and what came of them."""

    samples: int
    ece: float
    noise: float
    """The ECE that is to be expected of perfect predictions, of so few samples; those of one game hang together, so in
    truth it is more."""
    bins: tuple[Bin, ...]
    """The bins from the lowest predictions to the highest; those without samples are left out."""

    def to_json(self) -> dict[str, Any]:
        """All of it, for machines."""
        return asdict(self)


def calibration(predictions: npt.ArrayLike, outcomes: npt.ArrayLike, bins: int) -> Calibration | None:
    """Compare predictions `[N]` with outcomes `[N]`, both values of the player to act, −1 … 1; None without samples.

    There are `bins` intervals of equal width; a prediction on the border of two belongs to the upper one.
    """
    predicted, came = np.asarray(predictions, np.float64), np.asarray(outcomes, np.float64)
    if predicted.shape != came.shape or predicted.ndim != 1:
        raise ValueError(f"predictions {predicted.shape} and outcomes {came.shape} are not two rows of the same length")
    if not len(predicted):
        return None
    edges = np.linspace(-1, 1, bins + 1)
    places = np.clip(np.searchsorted(edges, predicted, side="right") - 1, 0, bins - 1)
    measured = [
        _bin(edges[place], edges[place + 1], predicted[inside], came[inside]) for place, inside in _groups(places)
    ]
    shares = np.array([part.samples for part in measured]) / len(predicted)
    distances = np.array([abs(part.outcome - part.prediction) for part in measured])
    errors = np.array([part.error for part in measured])
    return Calibration(
        samples=len(predicted),
        ece=float(shares @ distances),
        noise=float(shares @ errors * np.sqrt(2 / np.pi)),  # the mean distance of a normal variable from its mean
        bins=tuple(measured),
    )


def _groups(places: npt.NDArray[np.intp]) -> list[tuple[int, npt.NDArray[np.bool_]]]:
    """Every bin that has samples, and which they are."""
    return [(int(place), places == place) for place in np.unique(places)]


def _bin(low: float, high: float, predicted: npt.NDArray[np.float64], came: npt.NDArray[np.float64]) -> Bin:
    count = len(predicted)
    return Bin(
        low=float(low),
        high=float(high),
        samples=count,
        prediction=float(predicted.mean()),
        outcome=float(came.mean()),
        error=float((came - predicted).std(ddof=1) / np.sqrt(count)) if count > 1 else 0.0,
    )
