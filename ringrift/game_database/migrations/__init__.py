"""The migrations of the games database, one file each in `versions/`.

A change of `schema.py` comes with a migration and a new `schema.REVISION`; revisions are numbered, and compared as
texts. `tests/game_database/test_database.py` holds that the migrations, from an empty database on, lead to the schema.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from ringrift.game_database.schema import REVISION

__all__ = ["migrate", "migration_settings"]


def migration_settings(connection: Connection) -> Config:
    """Return Alembic's settings, for work on one connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def migrate(connection: Connection) -> None:
    """Bring the schema to `REVISION`, within the connection's transaction."""
    command.upgrade(migration_settings(connection), REVISION)
