"""The files of the champion, `ringrift_best_<config>.pth` and `.json`, which self-play and other hosts read.

The database says who is champion; the files follow it. A process that is killed in between leaves files of another
champion, or one of each: whoever changes or verifies champions next mends that. Files that nobody has registered are
not overwritten unasked.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

from sqlalchemy import Connection, select, update

from ringrift.agents import promoted_model
from ringrift.models.errors import BadChampion
from ringrift.models.files import checksum_of, unfinished, write_files
from ringrift.models.history import CHANGES
from ringrift.models.schema import models, promotions
from ringrift.models.store import ModelStore, StoredModel, champion_row

State = Literal["sound", "interrupted", "missing", "altered"]
"""`interrupted`: a change of champions was, and each file is that of some model of the config."""


class ChampionFiles(NamedTuple):
    """What lies where the champion's files should."""

    champion: StoredModel | None
    state: State
    detail: str
    """What is wrong, in a sentence; empty if nothing is."""


def look_at_champion(store: ModelStore, config: str) -> ChampionFiles:
    """What lies where the champion's files should."""
    with store.database.reading() as connection:
        return _look(store, connection, config)


def mend_champion(store: ModelStore, config: str, *, overwrite: bool = False) -> bool:
    """Make the champion's files follow the database after an interruption; whether there was something to do.

    `overwrite` also replaces files that are missing or altered; without it they are a `BadChampion`. `AbsentModel` if
    the store does not have the champion itself.
    """
    with store.database.writing() as connection:  # the lock of writers: nobody else changes these files meanwhile
        champion, state, detail = _look(store, connection, config)
        if champion is None or (state in ("missing", "altered") and not overwrite):
            if detail:
                raise BadChampion(detail)
            return False
        if state != "sound":
            path = promoted_model(store.folder, config)
            for file in unfinished(path):
                file.unlink(missing_ok=True)
            write_files(path, store.read(champion))
        waiting = update(promotions).where(promotions.c.config == config, promotions.c.kind.in_(CHANGES))
        connection.execute(waiting.where(promotions.c.placed.is_(None)).values(placed=int(time.time())))
        return state != "sound"


def _look(store: ModelStore, connection: Connection, config: str) -> ChampionFiles:
    champion = champion_row(connection, config)
    path = promoted_model(store.folder, config)
    found = {path: checksum_of(path), path.with_suffix(".json"): checksum_of(path.with_suffix(".json"))}
    if champion is None:
        return _look_for_none(connection, config, path, found[path])
    if tuple(found.values()) == (champion.sha256, champion.sidecar):
        return ChampionFiles(champion, "sound", "")
    if _is_waiting(connection, config) and _are_models(connection, config, found.values()):
        detail = f"{path}: is not yet the champion {champion.id}: its promotion was interrupted"
        return ChampionFiles(champion, "interrupted", detail)
    hint = f"`ringrift models verify --repair` puts {champion.id} there again"
    for file, wanted in zip(found, (champion.sha256, champion.sidecar), strict=True):
        if found[file] is None:
            return ChampionFiles(champion, "missing", f"{file}: the champion's file is missing: {hint}")
        if found[file] != wanted:
            return ChampionFiles(champion, "altered", f"{file}: is not the champion's file any more: {hint}")
    raise AssertionError(found)


def _look_for_none(connection: Connection, config: str, path: Path, found: str | None) -> ChampionFiles:
    """Where no champion should lie: nothing may, or it would be lost at the first promotion."""
    if found is None or _are_models(connection, config, [found]):
        return ChampionFiles(None, "sound", "")
    hint = "`ringrift models register` it, or move it away"
    return ChampionFiles(None, "altered", f"{path}: is there, but {config} has no champion: {hint}")


def _is_waiting(connection: Connection, config: str) -> bool:
    """Whether there is a change of champions that its files have not followed yet."""
    changes = select(promotions.c.placed).where(promotions.c.config == config, promotions.c.kind.in_(CHANGES))
    newest = connection.execute(changes.order_by(promotions.c.id.desc()).limit(1)).first()
    return newest is not None and newest.placed is None


def _are_models(connection: Connection, config: str, checksums: Iterable[str | None]) -> bool:
    """Whether the files that are there belong to models of the config."""
    rows = connection.execute(select(models.c.sha256, models.c.sidecar).where(models.c.config == config)).all()
    known = {checksum for row in rows for checksum in row}
    return all(checksum is None or checksum in known for checksum in checksums)
