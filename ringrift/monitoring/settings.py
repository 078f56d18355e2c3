"""Settings of metrics, health and messages (`monitoring.yaml`)."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from ringrift.settings import Settings, read_config

Percent = Annotated[float, Field(ge=0, le=100)]
Number = PositiveFloat | PositiveInt


class ServeSettings(Settings):
    """The address that metrics are served at."""

    host: str
    port: Annotated[int, Field(ge=0, le=65535)]


class TargetSettings(Settings):
    """The utilisation that is wanted, in percent."""

    low: Percent
    high: Percent

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low is {self.low:g}, which is not below high, {self.high:g}")
        return self


class GpuMemorySettings(Settings):
    """The use of the memory of a GPU from which on it is short, in percent."""

    high: Percent
    critical: Percent

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.high >= self.critical:
            raise ValueError(f"high is {self.high:g}, which is not below critical, {self.critical:g}")
        return self


class MessageSettings(Settings):
    """The pause between messages about the same subject."""

    pause_minutes: NonNegativeFloat


class MonitoringSettings(Settings):
    """All settings of the file."""

    serve: ServeSettings
    target: TargetSettings
    gpu_memory: GpuMemorySettings
    silent_minutes: Number
    forget_hours: Number
    hosts: PositiveInt
    messages: MessageSettings


def monitoring_settings() -> MonitoringSettings:
    """Read the settings; `BadSettings` says what is wrong in them."""
    return read_config("monitoring.yaml", MonitoringSettings)
