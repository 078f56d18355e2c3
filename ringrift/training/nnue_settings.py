"""Settings of the training of integer networks (`nnue.yaml`): defaults, by preset."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from ringrift.settings import Settings
from ringrift.training.preset_settings import preset_settings


class NnueSettings(Settings):
    """Everything that decides what an integer network learns."""

    seed: NonNegativeInt
    positions: PositiveInt
    holdout_positions: PositiveInt
    batch: PositiveInt
    learning_rate: PositiveFloat
    warm_up_steps: NonNegativeInt
    epochs: PositiveFloat
    clip: PositiveFloat
    search_share: Annotated[float, Field(ge=0.0, le=1.0)]
    log_steps: PositiveInt
    validations: PositiveFloat


def nnue_settings(preset: str | None = None, changes: dict[str, Any] | None = None) -> NnueSettings:
    """Read the settings, changed by a preset and by `changes`; `BadSettings` says what is wrong."""
    return preset_settings("nnue.yaml", NnueSettings, preset, changes)
