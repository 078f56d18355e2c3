"""A games database: opening, reading and writing it, with errors in one line."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, inspect, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError, SQLAlchemyError

from ringrift.errors import Busy, RingRiftError, UnwritableFile
from ringrift.files import private_file, with_home
from ringrift.game_database.schema import REVISION
from ringrift.game_database.settings import DatabaseSettings, database_settings

_LOCKED: Final = "database is locked"
_WRITES: Final = "ringrift_writes"
_WRITE_LOCK: Final = 0x52494E47
"""The advisory lock that a writer of a PostgreSQL database holds: «RING»."""


class BadDatabase(RingRiftError):
    """A games database that is not there, cannot be used, or has no room left."""


class AbsentDatabase(BadDatabase):
    """A path or URL at which there is no games database yet."""


class BusyDatabase(BadDatabase, Busy):
    """A games database that another program has been writing for too long, or that does not answer now."""


class GamesDatabase:
    """A games database, its schema up to date. SQLite or PostgreSQL.

    Any number of processes may read and write at once: readers wait for none, and writers for one another. So the ids
    of games rise in the order in which they become visible, and a reader that has read up to one has missed none below
    it. Close it, or use it as a context.
    """

    def __init__(
        self, url: str | None = None, *, create: bool = False, settings: DatabaseSettings | None = None
    ) -> None:
        """Open the database of a URL, a path of a SQLite file, or the settings, by default those of the file.

        `create` makes one that is not there. `BadDatabase` if it cannot be opened.
        """
        self.settings = settings = settings or database_settings()
        self.url = _url(url or settings.url)
        self.name = self.url.render_as_string(hide_password=True)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._patience = float(settings.ingest.patience_seconds)
        if self.is_sqlite:
            self._prepare_file(create)
        with self._explained():
            self.engine = self._engine()
        try:
            with self._explained():
                self._upgrade(create)
        except BaseException:
            self.engine.dispose()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def folders(self) -> list[Path]:
        """The folder that the database grows in; none where a server keeps it."""
        return [Path(self.url.database or "").parent] if self.is_sqlite else []

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a connection that sees the database as it is now, whatever others write meanwhile."""
        with self._explained(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction: all that the block writes is kept when it ends well, nothing otherwise."""
        with (
            self._explained(),
            self.engine.connect().execution_options(**{_WRITES: True}) as connection,
            connection.begin(),
        ):
            if not self.is_sqlite:  # which takes its own lock at BEGIN IMMEDIATE
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _WRITE_LOCK})
            yield connection

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """Return an insert that passes over rows that are there already."""
        statement = sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)
        return statement.on_conflict_do_nothing()

    def _prepare_file(self, create: bool) -> None:
        path = Path(self.url.database or "")
        if not self.url.database or self.url.database == ":memory:":
            raise BadDatabase(f"{self.name}: a games database of SQLite is a file; name one: sqlite:///games.db")
        if not create and not path.is_file():
            raise AbsentDatabase(f"{path}: there is no games database; `ringrift games ingest` makes one")
        if not path.exists():
            try:
                private_file(path)
            except UnwritableFile as error:
                raise BadDatabase(str(error)) from None

    def compact(self) -> None:
        """Give the room of removed rows back to the disk, unless another process uses the database.

        PostgreSQL does so by itself.
        """
        if not self.is_sqlite:
            return
        connection = self.engine.raw_connection()
        try:
            connection.cursor().execute("VACUUM")
        except sqlite3.OperationalError as error:
            if _LOCKED not in str(error):
                raise BadDatabase(f"{self.name}: {_complaint_of(str(error))}") from error
        finally:
            connection.close()

    def _engine(self) -> Engine:
        if not self.is_sqlite:
            return create_engine(self.url)
        engine = create_engine(self.url, connect_args={"timeout": self._patience, "check_same_thread": False})
        event.listen(engine, "connect", self._set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    def _set_up_sqlite(self, connection: Any, _: object) -> None:
        connection.isolation_level = None  # `_begin_sqlite` begins transactions
        cursor = connection.cursor()
        give_up = time.monotonic() + self._patience
        while True:  # the change to a write-ahead log does not wait for others as everything else does
            try:
                cursor.execute("PRAGMA journal_mode = WAL")
                break
            except connection.OperationalError as error:
                if _LOCKED not in str(error) or time.monotonic() > give_up:
                    raise
                time.sleep(0.01)
        cursor.execute("PRAGMA synchronous = NORMAL")  # a power cut may take the last batches, whole; killing never
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    def _upgrade(self, create: bool) -> None:
        """Bring the schema up to date; refuse one that is newer than this program."""
        with self.reading() as connection:
            revision = self._revision(connection)
        if revision == REVISION:
            return
        if revision is None and not create:
            raise AbsentDatabase(f"{self.name}: there are no games in it; `ringrift games ingest` makes the tables")
        with self.writing() as connection:
            if self._revision(connection) != REVISION:  # another process may have been quicker
                from ringrift.game_database.migrations import migrate

                migrate(connection)

    def _revision(self, connection: Connection) -> str | None:
        """Return the migration that the database is at; None for an empty one."""
        if not inspect(connection).has_table("alembic_version"):
            if inspect(connection).has_table("games"):
                raise BadDatabase(f"{self.name}: it has a table of games that is not RingRift's")
            return None
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        if revision is not None and revision > REVISION:
            raise BadDatabase(
                f"{self.name}: it was written by a newer RingRift (schema {revision}, this program knows up to "
                f"{REVISION}); update the program"
            )
        return revision

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Raise errors of a database driver as one line."""
        try:
            yield
        except DBAPIError as error:
            raise (BusyDatabase if _passes(error) else BadDatabase)(f"{self.name}: {_complaint(error)}") from error
        except ModuleNotFoundError as error:
            if error.name != "psycopg":
                raise
            raise BadDatabase(f"{self.name}: PostgreSQL needs psycopg: pip install 'ringrift[postgresql]'") from None
        except SQLAlchemyError as error:
            raise BadDatabase(f"{self.name}: {_one_line(error)}") from error


def _url(name: str) -> URL:
    """Return the URL of a database that may be named by the path of its file."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise BadDatabase(f"{name!r} is no database: its name is not UTF-8") from None
    if "://" not in name:
        return URL.create("sqlite", database=str(with_home(name)))
    try:
        url = make_url(name)
        backend = url.get_backend_name()
        if backend == "postgresql":
            return url.set(drivername="postgresql+psycopg")
        if backend == "sqlite":
            return url.set(drivername="sqlite", database=url.database and str(with_home(url.database)))
    except (ArgumentError, NoSuchModuleError, ValueError):
        pass
    shown = name.rsplit("@", 1)[-1]  # what stands before may be a password
    raise BadDatabase(f"{shown!r} is no database: sqlite:///games.db, postgresql://user@host/name, or a path")


def _begin_sqlite(connection: Connection) -> None:
    """Begin a transaction; a writing one takes the lock at once, since one that asks later may be refused."""
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _passes(error: DBAPIError) -> bool:
    """Return whether a retry may succeed: SQLite's lock, and faults in the operation of a server (PEP 249)."""
    by_sqlite = isinstance(error.orig, sqlite3.Error)
    return _LOCKED in str(error.orig) if by_sqlite else isinstance(error, OperationalError)


def _complaint(error: DBAPIError) -> str:
    return _complaint_of(_one_line(error.orig or error))


def _complaint_of(message: str) -> str:
    """Return a complaint of a driver with what to do about it."""
    if "disk is full" in message or "disk I/O error" in message or "No space left" in message:
        return f"{message}; what was being written is undone: make room and run it again"
    if "unable to open" in message or "readonly database" in message:
        return f"{message}; SQLite writes beside it even to read it: is its folder, or the disk, read-only?"
    if "malformed" in message or "not a database" in message:
        return f"{message}; go on with a copy, or ingest the files of records into a new one"
    if _LOCKED in message:
        return f"{message}: another program has been writing for longer than `ingest.patience_seconds`"
    return message


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
