"""Hyper-parameters of a training (`include/config/hyperparameters.yaml`): defaults, by config, by preset."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from ringrift.settings import BadSettings, Settings, check_settings, config_folder, read_settings, unknown_name

Share = Annotated[float, Field(ge=0.0, lt=1.0)]
PolicyLoss = Literal["auto", "kl", "best_action"]
Precision = Literal["auto", "float32", "bfloat16"]
EarlyStopping = Literal["loss", "elo", "none"]


class LossSettings(Settings):
    """What is learned, and how much each part of it weighs; the policy weighs 1."""

    policy: PolicyLoss
    coverage: Share
    policies: NonNegativeInt
    smoothing: Share
    value: NonNegativeFloat
    reply: NonNegativeFloat
    ownership: NonNegativeFloat
    moves_left: NonNegativeFloat
    entropy_bonus: NonNegativeFloat
    root_value: Annotated[float, Field(ge=0.0, le=1.0)]
    surgery: bool


class HyperParameters(Settings):
    """All that decides what a network learns from a data set, and when it stops."""

    network: str
    seed: NonNegativeInt
    batch: PositiveInt
    gpu_batches: dict[str, PositiveInt]
    gpu_gigabytes_free: NonNegativeFloat
    learning_rate: PositiveFloat
    weight_decay: NonNegativeFloat
    clip: PositiveFloat
    dropout: Share
    epochs: PositiveFloat
    warm_up_epochs: NonNegativeFloat
    passes: PositiveFloat
    precision: Precision
    compile: bool
    average: Share
    losses: LossSettings
    validate_epochs: PositiveFloat
    validate_samples: PositiveInt
    early_stopping: EarlyStopping
    patience: PositiveInt
    elo_patience: PositiveInt
    elo_step: NonNegativeFloat
    elo_games: PositiveInt
    log_steps: PositiveInt
    checkpoint_steps: PositiveInt
    checkpoints: PositiveInt
    divergence: Annotated[float, Field(gt=1.0)]


class _File(Settings):
    """All of the file."""

    defaults: HyperParameters
    configs: dict[str, dict[str, Any]]
    presets: dict[str, dict[str, Any]]


def hyper_parameters(config: str, preset: str | None = None, changes: dict[str, Any] | None = None) -> HyperParameters:
    """Those of a config with a preset and further changes; `BadSettings` says what is wrong in the file or in them."""
    path = config_folder() / "hyperparameters.yaml"
    file = read_settings(path, _File)
    if preset is not None and preset not in file.presets:
        raise BadSettings(f"preset {preset!r}: {unknown_name(preset, tuple(file.presets))}")
    merged = file.defaults.model_dump()
    where = str(path)
    layers = {
        f"configs.{config}": file.configs.get(config, {}),
        f"presets.{preset}": file.presets[preset] if preset else {},
        "the command line": changes or {},
    }
    for name, layer in layers.items():
        for field, value in layer.items():
            both = isinstance(value, dict) and isinstance(merged.get(field), dict)
            merged[field] = merged[field] | value if both else value
        merged = check_settings(merged, HyperParameters, f"{where} ({name})").model_dump()
    return HyperParameters(**merged)
