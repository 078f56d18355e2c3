"""Settings of the games database (`include/config/database.yaml`)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from ringrift.settings import Settings, config_folder, read_settings


class IngestSettings(Settings):
    """How games get into the database."""

    batch_games: PositiveInt
    batch_megabytes: PositiveInt
    longest_line_megabytes: PositiveInt
    patience_seconds: PositiveFloat | PositiveInt


class DatabaseSettings(Settings):
    """All of the file."""

    url: str
    holdout_share: Annotated[float, Field(ge=0.0, lt=1.0)]
    ingest: IngestSettings


def database_settings() -> DatabaseSettings:
    """Read the settings; `BadSettings` says what is wrong in them."""
    return read_settings(config_folder() / "database.yaml", DatabaseSettings)
