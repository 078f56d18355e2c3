"""Hyper-parameters of a training (`hyperparameters.yaml`): defaults, by config, by preset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from ringrift.networks import ARCHITECTURES
from ringrift.settings import BadSettings, Settings, check_settings, config_folder, read_config, unknown_name
from ringrift.training.old_names import HYPER_PARAMETERS, LOSS_SETTINGS, renamed

NETWORKS: Final = "networks"
"""The entry of a config that holds changes by architecture."""

Share = Annotated[float, Field(ge=0.0, lt=1.0)]
PolicyLoss = Literal["auto", "kl", "best_action"]
Precision = Literal["auto", "float32", "bfloat16"]
EarlyStopping = Literal["loss", "elo", "none"]


class LossSettings(Settings):
    """The parts of the loss and their weights; the policy weighs 1."""

    policy: PolicyLoss
    coverage: Share
    policies: NonNegativeInt
    smoothing: Share
    policy_temperature: Annotated[list[PositiveFloat], Field(min_length=2, max_length=2)]
    value: NonNegativeFloat
    opponent_policy: NonNegativeFloat
    ownership: NonNegativeFloat
    moves_left: NonNegativeFloat
    entropy_bonus: NonNegativeFloat
    root_value: Annotated[float, Field(ge=0.0, le=1.0)]
    pcgrad: bool

    @model_validator(mode="before")
    @classmethod
    def _accept_old_names(cls, fields: Any) -> Any:
        return renamed(fields, LOSS_SETTINGS) if isinstance(fields, dict) else fields


class HyperParameters(Settings):
    """Everything that decides what a network learns from a data set, and when it stops."""

    network: str
    seed: NonNegativeInt
    batch: PositiveInt
    gpu_batches: dict[str, PositiveInt]
    gpu_memory_batches: dict[PositiveInt, PositiveInt]
    least_steps: NonNegativeInt
    gpu_gigabytes_free: NonNegativeFloat
    learning_rate: PositiveFloat
    least_learning_rate: NonNegativeFloat
    most_learning_rate: PositiveFloat
    weight_decay: NonNegativeFloat
    clip: PositiveFloat
    dropout: Share
    epochs: PositiveFloat
    warm_up_epochs: NonNegativeFloat
    replay_ratio: PositiveFloat
    own_errors: Annotated[float, Field(ge=0.0, le=1.0)]
    precision: Precision
    compile: bool
    ema_decay: Share
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

    @model_validator(mode="before")
    @classmethod
    def _accept_old_names(cls, fields: Any) -> Any:
        return renamed(fields, HYPER_PARAMETERS) if isinstance(fields, dict) else fields


class _Tuned(Settings):
    """The values that were measured to be best for a config and an architecture, in whatever preset it is trained."""

    networks: dict[str, dict[str, Any]]


class _File(Settings):
    """The whole file."""

    defaults: HyperParameters
    configs: dict[str, dict[str, Any]]
    presets: dict[str, dict[str, Any]]


def hyper_parameters(config: str, preset: str | None = None, changes: dict[str, Any] | None = None) -> HyperParameters:
    """Read the hyper-parameters of a config, changed by a preset and by `changes`; `BadSettings` says what is wrong."""
    path = config_folder() / "hyperparameters.yaml"
    file = read_config("hyperparameters.yaml", _File)
    if preset is not None and preset not in file.presets:
        raise BadSettings(f"preset {preset!r}: {unknown_name(preset, tuple(file.presets))}")
    own = dict(file.configs.get(config, {}))
    tuned = check_settings({"networks": own.pop(NETWORKS, {})}, _Tuned, f"{path} (configs.{config})").networks
    for name in tuned:
        if name not in ARCHITECTURES:
            wrong = unknown_name(name, tuple(ARCHITECTURES))
            raise BadSettings(f"{path} (configs.{config}): {NETWORKS}.{name}: {wrong}")
    asked, presets = changes or {}, file.presets[preset] if preset else {}
    network = next((layer["network"] for layer in (asked, presets, own) if "network" in layer), file.defaults.network)
    layers = {
        f"configs.{config}": own,
        f"presets.{preset}": presets,
        f"configs.{config}.{NETWORKS}.{network}": tuned.get(str(network), {}),
        "the command line": asked,
    }
    settings = file.defaults
    for name, layer in layers.items():
        settings = changed(settings, layer, f"{path} ({name})")
    return settings


def changed(hyper: HyperParameters, changes: Mapping[str, Any], where: str) -> HyperParameters:
    """Return hyper-parameters with changes, groups field by field; `BadSettings` names what is wrong, and `where`."""
    fields = hyper.model_dump()
    for name, value in changes.items():
        both = isinstance(value, dict) and isinstance(fields.get(name), dict)
        fields[name] = fields[name] | value if both else value
    return check_settings(fields, HyperParameters, where)
