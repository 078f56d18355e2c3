"""The settings of the control of utilisation (`control.yaml`)."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from ringrift.resources.settings import Share
from ringrift.settings import Settings, read_config


class Target(Settings):
    """The target of a utilisation, and its critical value."""

    target: Share
    critical: Share

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.target >= self.critical:
            raise ValueError(f"target, {self.target:g}, is to be less than critical, {self.critical:g}")
        return self


class Band(Settings):
    """The utilisation that is well."""

    low: Share
    high: Share


class PidSettings(Settings):
    """The gains of a PID controller."""

    kp: NonNegativeFloat
    ki: PositiveFloat
    kd: NonNegativeFloat


class GainSettings(Settings):
    """The factors of the gains by how far the utilisation is from where it should be."""

    outside: PositiveFloat | PositiveInt
    critical: PositiveFloat | PositiveInt


class TrendSettings(Settings):
    """The settings of the trend."""

    looks: Annotated[int, Field(ge=3, le=1000)]
    ahead: PositiveInt
    confidence: Annotated[float, Field(gt=0, lt=1)]


class GpuMemorySettings(Settings):
    """The throttle of games side by side where the memory of a GPU is full."""

    high: Share
    factor: Share
    critical: Share
    least: Share


class ControlSettings(Settings):
    """The settings of the file."""

    cpu: Target
    gpu: Target
    band: Band
    pid: PidSettings
    smoothing: Share
    gains: GainSettings
    trend: TrendSettings
    gpu_memory: GpuMemorySettings
    process_gb: PositiveFloat
    memory: Share
    look_seconds: Annotated[float, Field(gt=0, le=3600)] | PositiveInt
    patience_looks: PositiveInt
    turn_minutes: PositiveFloat | PositiveInt


def control_settings() -> ControlSettings:
    """Read the settings; `BadSettings` says what is wrong in them."""
    return read_config("control.yaml", ControlSettings)
