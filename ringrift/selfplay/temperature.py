"""Schedules of temperature, by the number of the move or by the number of legal actions.

A temperature t draws from policy ** (1/t); 0 plays the player's own choice. N is the number of moves that count as the
opening of a config (`selfplay.yaml`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ringrift.selfplay.settings import SlopeSettings, TemperatureSettings

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.integer[Any]]


def alphazero(settings: TemperatureSettings, n: int, plies: Counts, legal: Counts, progress: float) -> Floats:
    """One temperature until move N, another after it (Silver et al., 2018)."""
    return np.where(plies < n, settings.alphazero.start, settings.alphazero.end)


def aggressive(settings: TemperatureSettings, n: int, plies: Counts, legal: Counts, progress: float) -> Floats:
    """A slow fall from a high temperature, which stays warm to the end."""
    return slope(settings.aggressive, n, plies)


def conservative(settings: TemperatureSettings, n: int, plies: Counts, legal: Counts, progress: float) -> Floats:
    """A fast fall to a low temperature."""
    return slope(settings.conservative, n, plies)


def adaptive(settings: TemperatureSettings, n: int, plies: Counts, legal: Counts, progress: float) -> Floats:
    """A temperature that rises with the logarithm of the number of legal actions."""
    chosen = settings.adaptive
    share = np.clip(np.log(legal / 2) / np.log(chosen.many / 2), 0, 1)
    return np.asarray(chosen.low + (chosen.high - chosen.low) * share, np.float64)


def curriculum(settings: TemperatureSettings, n: int, plies: Counts, legal: Counts, progress: float) -> Floats:
    """The schedule `alphazero`, cooler and shorter the further training has come."""
    chosen = settings.curriculum
    start, length = (first + (last - first) * progress for first, last in (chosen.start, chosen.length))
    return np.where(plies < length * n, start, chosen.end)


def cosine(settings: TemperatureSettings, n: int, plies: Counts, legal: Counts, progress: float) -> Floats:
    """Half a period of a cosine from start to end."""
    chosen = settings.cosine
    share = np.minimum(plies / (chosen.length * n), 1)
    return np.asarray(chosen.end + (chosen.start - chosen.end) * (1 + np.cos(np.pi * share)) / 2, np.float64)


def slope(chosen: SlopeSettings, n: int, plies: Counts) -> Floats:
    """A straight line from start to end."""
    share = np.minimum(plies / (chosen.length * n), 1)
    return np.asarray(chosen.start + (chosen.end - chosen.start) * share, np.float64)


Temperatures = Callable[[TemperatureSettings, int, Counts, Counts, float], Floats]
"""Settings, N, moves played `[games]`, numbers of legal actions `[games]`, progress of training: temperatures."""

SCHEDULES: Final[Mapping[str, Temperatures]] = MappingProxyType(
    {schedule.__name__: schedule for schedule in (alphazero, aggressive, conservative, adaptive, curriculum, cosine)}
)
"""Every schedule by its name."""
