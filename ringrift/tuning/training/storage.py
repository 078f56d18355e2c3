"""The storage of Optuna's studies: in the project's database server, or in a file beside its SQLite file.

Optuna's tables have a table `alembic_version` as ours do, each with revisions of its own. So they
have a schema of their own in PostgreSQL, `optuna`, in the same database, and a file of their own beside SQLite's, which
has no schemas: `ringrift.tuning.db` beside `ringrift.db`.
"""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import URL, Connection, create_engine, event, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from ringrift.files import private_file, take_lock
from ringrift.game_database import GamesDatabase
from ringrift.tuning.training.errors import BadStudy, BusyStudy
from ringrift.tuning.training.settings import SearchSettings

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

SCHEMA: Final = "optuna"


def storage_url(database: GamesDatabase) -> URL:
    """Return where the studies of a games database are."""
    url = database.url
    if not database.is_sqlite:
        return url.update_query_dict({"options": f"-csearch_path={SCHEMA}"})
    path = Path(url.database or "")
    return url.set(database=str(path.with_name(f"{path.stem}.tuning.db")))


def open_storage(database: GamesDatabase, settings: SearchSettings) -> RDBStorage:
    """Open the studies of a games database, made if there are none; `BadStudy`, or `BusyStudy`, says what is wrong."""
    url = storage_url(database)
    with explained(url):
        if database.is_sqlite:
            path = Path(url.database or "")
            private_file(path)
            patience = database.settings.ingest.patience_seconds
            with _in_turn(path, patience):
                return _open(url, settings, {"connect_args": {"timeout": patience}})
        engine = create_engine(database.url)
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        engine.dispose()
        return _open(url, settings, {})


@contextmanager
def _in_turn(path: Path, patience: float) -> Iterator[None]:
    """Lock the tables of a file, which one process at a time makes or opens; `BusyStudy` if others take too long."""
    busy = BusyStudy(f"{path}: another process has been opening it for too long; try again")
    give_up = time.monotonic() + patience
    while True:
        try:
            lock = take_lock(path.with_name(f".{path.name}.lock"), path, busy)
            break
        except BusyStudy:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.05)
    try:
        yield
    finally:
        os.close(lock)


def _open(url: URL, settings: SearchSettings, engine_kwargs: dict[str, Any]) -> RDBStorage:
    import optuna  # late: it takes a second to import
    from optuna.exceptions import ExperimentalWarning
    from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback

    optuna.logging.disable_default_handler()
    optuna.logging.set_verbosity(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # of heartbeats, which have been there since 2.9
        storage = RDBStorage(
            url.render_as_string(hide_password=False),
            engine_kwargs=engine_kwargs,
            heartbeat_interval=settings.alive_seconds,
            grace_period=settings.dead_seconds,
            heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(inherit_intermediate_values=True),
        )
    if url.get_backend_name() == "sqlite":
        # A trial is taken by reading that it waits and writing that it runs. SQLite's driver begins a transaction only
        # at the write, so two processes could take the same one; with the lock from the start, one waits for the other.
        storage.engine.dispose()
        event.listen(storage.engine, "connect", _set_up_sqlite)
        event.listen(storage.engine, "begin", _begin_with_lock)
    return storage


def _set_up_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # `_begin_with_lock` begins transactions
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")  # a power cut may take the last reports; killing never


def _begin_with_lock(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def explained(url: URL) -> Iterator[None]:
    """Turn the errors of Optuna and of database drivers into one line."""
    from optuna.exceptions import StorageInternalError

    name = url.set(query={}).render_as_string(hide_password=True)
    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        cause = error if isinstance(error, SQLAlchemyError) else error.__cause__ or error
        message = " ".join(str(getattr(cause, "orig", None) or cause).split())
        passes = isinstance(cause, OperationalError) and "malformed" not in message and "disk" not in message
        raise (BusyStudy if passes else BadStudy)(f"{name}: {message}") from error
    except RuntimeError as error:
        if "optuna storage upgrade" not in str(error) and "latest version" not in str(error):
            raise
        raise BadStudy(f"{name}: {' '.join(str(error).split())}") from error
