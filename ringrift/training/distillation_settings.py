"""Settings of distillation (`distillation.yaml`)."""

from __future__ import annotations

from pydantic import PositiveFloat, PositiveInt

from ringrift.settings import Settings, read_config


class DistillationSettings(Settings):
    """All of the file."""

    temperature: PositiveFloat | PositiveInt
    games: PositiveInt
    search: str


def distillation_settings() -> DistillationSettings:
    """Read the settings; `BadSettings` says what is wrong in them."""
    return read_config("distillation.yaml", DistillationSettings)
