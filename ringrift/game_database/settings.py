"""Settings of the games database (`database.yaml`)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from ringrift.settings import Settings, read_config


class IngestSettings(Settings):
    """The ingest of games into the database."""

    batch_games: PositiveInt
    batch_megabytes: PositiveInt
    longest_line_megabytes: PositiveInt
    patience_seconds: PositiveFloat | PositiveInt


class DatabaseSettings(Settings):
    """All settings of the file."""

    url: str
    holdout_share: Annotated[float, Field(ge=0.0, lt=1.0)]
    ingest: IngestSettings


def database_settings() -> DatabaseSettings:
    """Read the settings, with the database that `RINGRIFT_DATABASE` names, if it names one; `BadSettings`."""
    settings = read_config("database.yaml", DatabaseSettings)
    named = os.environ.get("RINGRIFT_DATABASE")
    return settings.model_copy(update={"url": named}) if named else settings


def database_in(home: Path, *, patience: int | None = None) -> str:
    """Return the database of the settings for a process that works in another folder than the home folder.

    :param patience: seconds after which a server that does not answer is given up.
    """
    from sqlalchemy import make_url  # late: it takes a while, and not all who read settings have a database

    url = make_url(name) if "://" in (name := database_settings().url) else None
    if url is None or url.get_backend_name() == "sqlite":
        return str(home / ((url.database if url else name) or ""))
    if patience is not None:
        url = url.update_query_dict({"connect_timeout": str(patience)})
    return url.render_as_string(hide_password=False)
