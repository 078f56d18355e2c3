"""The settings of the guard (`resources.yaml`)."""

from __future__ import annotations

import os
from typing import Annotated, Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from ringrift.resources.usage import GIGABYTE, Usage
from ringrift.settings import BadSettings, Settings, read_config

Share = Annotated[float, Field(gt=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]


class RoomLimit(Settings):
    """The shares in use from which on the guard warns, and nothing runs."""

    warn: Share
    stop: Share
    enough_gb: NonNegativeFloat | NonNegativeInt
    """Free gigabytes with which a share stops nothing."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.warn > self.stop:
            raise ValueError(f"warn, {self.warn:g}, is to be no more than stop, {self.stop:g}")
        return self

    def enough(self, usage: Usage) -> bool:
        """Return whether enough is free that a share stops nothing."""
        return 0 < self.enough_gb * GIGABYTE <= usage.free

    def nearly_full(self, usage: Usage) -> bool:
        """Return whether the share in use calls for a warning."""
        return usage.share >= self.warn and not self.enough(usage)

    def full(self, usage: Usage) -> bool:
        """Return whether the share in use stops work."""
        return usage.share >= self.stop and not self.enough(usage)


class ProcessorLimit(Settings):
    """The shares in use from which on the guard warns, and work waits before it begins."""

    warn: Share
    wait: Share

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.warn > self.wait:
            raise ValueError(f"warn, {self.warn:g}, is to be no more than wait, {self.wait:g}")
        return self


class GuardSettings(Settings):
    """The settings of the file."""

    disk: RoomLimit
    memory: RoomLimit
    gpu_memory: RoomLimit
    memory_wait_seconds: Seconds
    cpu: ProcessorLimit
    load: PositiveFloat | PositiveInt
    """Runnable processes, for each core."""
    busy_seconds: Seconds
    """The longest time that work waits for the processor."""
    look_seconds: Annotated[float, Field(gt=0, le=86_400)]


def guard_settings() -> GuardSettings:
    """Read the settings, with the seconds of `RINGRIFT_BUSY_SECONDS` if it is set; `BadSettings` says what is wrong."""
    settings = read_config("resources.yaml", GuardSettings)
    named = os.environ.get("RINGRIFT_BUSY_SECONDS")
    if not named:
        return settings
    if not named.isdecimal():
        raise BadSettings(f"RINGRIFT_BUSY_SECONDS: should be a whole number of seconds, not {named!r}")
    return settings.model_copy(update={"busy_seconds": int(named)})
