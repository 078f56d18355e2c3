"""Settings of the games database (`database.yaml`)."""

from __future__ import annotations

import os
from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from ringrift.settings import Settings, read_config


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
    """Read the settings, with the database that `RINGRIFT_DATABASE` names, if it names one; `BadSettings`."""
    found = read_config("database.yaml", DatabaseSettings)
    named = os.environ.get("RINGRIFT_DATABASE")
    return found.model_copy(update={"url": named}) if named else found
