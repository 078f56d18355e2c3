"""Settings of the training of energy networks (`ebmo.yaml`): defaults, by preset."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from ringrift.settings import Settings
from ringrift.training.preset_settings import preset_settings


class EnergySettings(Settings):
    """Everything that decides what an energy network learns."""

    seed: NonNegativeInt
    positions: PositiveInt
    holdout_positions: PositiveInt
    candidates: Annotated[int, Field(ge=2)]
    batch: PositiveInt
    learning_rate: PositiveFloat
    weight_decay: NonNegativeFloat
    epochs: PositiveFloat


def energy_settings(preset: str | None = None, changes: dict[str, Any] | None = None) -> EnergySettings:
    """Read the settings, changed by a preset and by `changes`; `BadSettings` says what is wrong."""
    return preset_settings("ebmo.yaml", EnergySettings, preset, changes)
