"""Opening a games database: its schema grows by itself, and what cannot be used is one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

import ringrift.evaluation.schema  # noqa: F401 - adds its tables
import ringrift.fleet.schema  # noqa: F401 - adds its tables
import ringrift.game_database.database
import ringrift.models.schema  # noqa: F401 - adds its tables
import ringrift.pipeline.schema  # noqa: F401 - adds its tables
from ringrift.errors import Busy
from ringrift.game_database import BadDatabase, GamesDatabase
from ringrift.game_database.database import BusyDatabase
from ringrift.game_database.migrations import migration_settings
from ringrift.game_database.schema import REVISION, metadata
from ringrift.game_database.settings import database_settings


def check_migrated(connection: Connection) -> None:
    """The migrations, from an empty database on, have led to the schema."""
    assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    inspector = inspect(connection)
    assert set(inspector.get_table_names()) == {*metadata.tables, "alembic_version"}
    for name, table in metadata.tables.items():
        indices = {index["name"] for index in inspector.get_indexes(name) if "duplicates_constraint" not in index}
        assert indices == {index.name for index in table.indexes}
        assert [column["name"] for column in inspector.get_columns(name)] == [column.name for column in table.columns]
        assert len(inspector.get_foreign_keys(name)) == len(table.foreign_key_constraints)
    assert ScriptDirectory.from_config(migration_settings(connection)).get_current_head() == REVISION


def test_the_migrations_lead_to_the_schema(database: GamesDatabase) -> None:
    with database.reading() as connection:
        check_migrated(connection)


def test_the_environment_names_the_database_for_everybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGRIFT_DATABASE", str(tmp_path / "games.db"))
    with GamesDatabase(create=True) as found:
        assert found.name.endswith(f"{tmp_path}/games.db")


@pytest.mark.parametrize("name", ["~/games/ringrift.db", "sqlite:///~/games/ringrift.db"])
def test_a_tilde_is_the_home_folder_wherever_a_database_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    with GamesDatabase(name, create=True):
        pass
    monkeypatch.setenv("RINGRIFT_DATABASE", name)
    with GamesDatabase():
        pass
    assert {path.name for path in tmp_path.iterdir()} == {"me"}
    assert (tmp_path / "me" / "games" / "ringrift.db").is_file()


def test_a_database_is_for_its_owner_alone_with_the_files_that_sqlite_puts_beside_it(tmp_path: Path) -> None:
    with GamesDatabase(str(tmp_path / "games.db"), create=True) as database, database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = version_num"))
        modes = {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()}
    assert modes == dict.fromkeys(("games.db", "games.db-wal", "games.db-shm"), "0o600")


def test_the_mode_that_somebody_gave_a_database_stays(tmp_path: Path) -> None:
    path = tmp_path / "games.db"
    with GamesDatabase(str(path), create=True):
        path.chmod(0o640)
    with GamesDatabase(str(path), create=True):
        assert path.stat().st_mode & 0o777 == 0o640


def test_a_newer_schema_is_refused(database: GamesDatabase) -> None:
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    path = database.url.database or ""
    with pytest.raises(BadDatabase, match=r"written by a newer RingRift \(schema 9999.*update the program"):
        GamesDatabase(path)


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    import sqlite3

    with sqlite3.connect(tmp_path / "chess.db") as connection:
        connection.execute("CREATE TABLE games (id INTEGER)")
    connection.close()
    with pytest.raises(BadDatabase, match="a table of games that is not RingRift's"):
        GamesDatabase(str(tmp_path / "chess.db"), create=True)


def test_what_is_no_database_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("This is a text, and a long one at that. " * 100)
    for name, message in (
        (str(tmp_path / "none.db"), "there is no games database; `ringrift games ingest` makes one"),
        (str(tmp_path / "text.db"), "file is not a database"),
        (str(tmp_path), "unable to open database file|there is no games database"),
        ("sqlite://", "is a file; name one"),
        ("mysql://me:secret@host/games", "'host/games' is no database"),
        ("://", "is no database"),
        ("\udcff.db", "is not UTF-8"),
        ("postgresql://me:secret@127.0.0.1:1/games", r"postgresql\+psycopg://me:\*\*\*@127.0.0.1:1/games"),
    ):
        with pytest.raises(BadDatabase, match=message) as error:
            GamesDatabase(name)
        assert "\n" not in str(error.value)
        assert "secret" not in str(error.value)


def test_a_lock_and_a_server_that_does_not_answer_may_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = database_settings()
    impatient = settings.model_copy(update={"ingest": settings.ingest.model_copy(update={"patience_seconds": 0.05})})
    monkeypatch.setattr(ringrift.game_database.database, "database_settings", lambda: impatient)
    name, damaged = str(tmp_path / "games.db"), tmp_path / "text.db"
    with GamesDatabase(name, create=True) as one, one.writing():
        other = GamesDatabase(name)
        with pytest.raises(BusyDatabase, match="is locked: another program"), other.writing():
            pass
        other.close()
    with pytest.raises(BusyDatabase, match="refused"):
        GamesDatabase("postgresql://me@127.0.0.1:1/games")
    damaged.write_text("no database at all\n" * 100)
    with pytest.raises(BadDatabase) as error:
        GamesDatabase(str(damaged))
    assert not isinstance(error.value, Busy)


def test_an_interrupted_block_writes_nothing(database: GamesDatabase) -> None:
    with pytest.raises(KeyboardInterrupt), database.writing() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
        raise KeyboardInterrupt
    with database.reading() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == REVISION
