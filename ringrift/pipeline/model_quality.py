"""Models over time: hold-out loss, gap, calibration and quality of their data, with warnings of what became worse."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from ringrift.models import StoredModel
from ringrift.training.thresholds import ReportSettings


@dataclass(frozen=True)
class ModelMeasures:
    """The measures of a model by its training; None for those that it has not taken."""

    model: str
    loss: float | None
    """The total loss on the games held out."""
    gap: float | None
    """The loss on the games held out less that on samples of training."""
    calibration: float | None
    """The expected calibration error of the values."""
    quality: float | None
    """The quality of the data set, from 0 to 1."""


def measures(models: Sequence[StoredModel]) -> list[ModelMeasures]:
    """Return the measures of those models that record their training, in the same order."""
    return [_measures(model.id, model.training) for model in models if model.training]


def warnings(history: Sequence[ModelMeasures], settings: ReportSettings) -> list[str]:
    """Return warnings about the newest model, also beside those before it; `history` has it first."""
    if not history:
        return []
    newest, before = history[0], history[1 : 1 + settings.worse.models]
    lines = []
    if newest.gap is not None and abs(newest.gap) > settings.gap:
        apart = f"{newest.gap:+.2f} apart, more than {settings.gap:g}"
        lines.append(f"hold-out and training loss of {newest.model} are {apart}")
    for name, bound, sign, of in (
        ("hold-out loss", settings.worse.loss, 1, lambda model: model.loss),
        ("error of calibration", settings.worse.calibration, 1, lambda model: model.calibration),
        ("quality of the data", settings.worse.quality, -1, lambda model: model.quality),
    ):
        lines += _worse(name, bound, sign, newest, before, of)
    return lines


def _worse(
    name: str,
    bound: float,
    sign: int,
    newest: ModelMeasures,
    before: Sequence[ModelMeasures],
    of: Callable[[ModelMeasures], float | None],
) -> list[str]:
    """Return the complaint that a measure of the newest model is worse than the mean of those before, if it is."""
    value, earlier = of(newest), [value for model in before if (value := of(model)) is not None]
    if value is None or not earlier or sign * (value - fmean(earlier)) <= bound:
        return []
    return [f"the {name} of {newest.model} is {value:.2f}, that of the {len(earlier)} before {fmean(earlier):.2f}"]


def _measures(model: str, training: Mapping[str, Any]) -> ModelMeasures:
    """Read the facts of a side file from anywhere: one that is no number counts as not known."""
    dataset = _mapping(training.get("dataset"))
    return ModelMeasures(
        model=model,
        loss=_number(_mapping(training.get("holdout")).get("total")),
        gap=_number(training.get("gap")),
        calibration=_number(_mapping(training.get("calibration")).get("ece")),
        quality=_number(_mapping(_mapping(dataset.get("provenance")).get("quality")).get("score")),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
