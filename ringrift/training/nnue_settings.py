"""Settings of the training of integer networks (`nnue.yaml`): defaults, by preset."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from ringrift.settings import BadSettings, Settings, check_settings, config_folder, read_config, unknown_name


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


class _File(Settings):
    """The whole file."""

    defaults: NnueSettings
    presets: dict[str, dict[str, Any]]


def nnue_settings(preset: str | None = None, changes: dict[str, Any] | None = None) -> NnueSettings:
    """Read the settings, changed by a preset and by `changes`; `BadSettings` says what is wrong."""
    file = read_config("nnue.yaml", _File)
    if preset is not None and preset not in file.presets:
        raise BadSettings(f"preset {preset!r}: {unknown_name(preset, tuple(file.presets))}")
    merged = file.defaults.model_dump()
    path = config_folder() / "nnue.yaml"
    for name, layer in ((f"presets.{preset}", file.presets[preset] if preset else {}), ("--set", changes or {})):
        merged = check_settings(merged | layer, NnueSettings, f"{path} ({name})").model_dump()
    return NnueSettings(**merged)
