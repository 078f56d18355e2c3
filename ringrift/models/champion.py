"""The files of the champion, `ringrift_best_<config>.pth` and `.json`, which self-play and other hosts read.

The database holds which model is champion; the files follow it. A process that is killed in between leaves files of
another champion, or one of each: the next change or verification of champions mends that. Files that are not registered
are not overwritten unless asked for.
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
"""The states of the files; `interrupted`: a change of champions was, and each file is that of a model of the config."""


class ChampionFiles(NamedTuple):
    """The champion of a config, and the state of its files."""

    champion: StoredModel | None
    state: State
    detail: str
    """The fault in a sentence; empty if there is none."""


def look_at_champion(store: ModelStore, config: str) -> ChampionFiles:
    """Return the champion of a config, and the state of its files."""
    with store.database.reading() as connection:
        return _look(store, connection, config)


def checked_champion(store: ModelStore, config: str) -> StoredModel | None:
    """Return the champion of a config, None if there is none; `BadChampion` if its files are missing or altered."""
    files = look_at_champion(store, config)
    if files.champion is not None and files.state in ("missing", "altered"):
        raise BadChampion(files.detail)
    return files.champion


def mend_champion(store: ModelStore, config: str, *, overwrite: bool = False) -> bool:
    """Make the champion's files follow the database after an interruption; return whether any had to be written.

    `overwrite` also replaces files that are missing or altered; without it they are a `BadChampion`. `AbsentModel` if
    the store does not have the champion itself.
    """
    with store.database.writing() as connection:  # the lock of writers: no other process changes these files meanwhile
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
    digests = {path: checksum_of(path), path.with_suffix(".json"): checksum_of(path.with_suffix(".json"))}
    if champion is None:
        return _look_for_none(connection, config, path, digests[path])
    if tuple(digests.values()) == (champion.sha256, champion.sidecar):
        return ChampionFiles(champion, "sound", "")
    if _is_waiting(connection, config) and _are_models(connection, config, digests.values()):
        detail = f"{path}: is not yet the champion {champion.id}: its promotion was interrupted"
        return ChampionFiles(champion, "interrupted", detail)
    hint = f"`ringrift models verify --repair` puts {champion.id} there again"
    for file, wanted in zip(digests, (champion.sha256, champion.sidecar), strict=True):
        if digests[file] is None:
            return ChampionFiles(champion, "missing", f"{file}: the champion's file is missing: {hint}")
        if digests[file] != wanted:
            return ChampionFiles(champion, "altered", f"{file}: is not the champion's file any more: {hint}")
    raise AssertionError(digests)


def _look_for_none(connection: Connection, config: str, path: Path, digest: str | None) -> ChampionFiles:
    """Return the state of the files of a config without a champion: others would be lost at the first promotion."""
    if digest is None or _are_models(connection, config, [digest]):
        return ChampionFiles(None, "sound", "")
    hint = "`ringrift models register` it, or move it away"
    return ChampionFiles(None, "altered", f"{path}: is there, but {config} has no champion: {hint}")


def _is_waiting(connection: Connection, config: str) -> bool:
    """Return whether there is a change of champions that its files have not followed yet."""
    changes = select(promotions.c.placed).where(promotions.c.config == config, promotions.c.kind.in_(CHANGES))
    newest = connection.execute(changes.order_by(promotions.c.id.desc()).limit(1)).first()
    return newest is not None and newest.placed is None


def _are_models(connection: Connection, config: str, checksums: Iterable[str | None]) -> bool:
    """Return whether the files that are there belong to models of the config."""
    rows = connection.execute(select(models.c.sha256, models.c.sidecar).where(models.c.config == config)).all()
    known = {checksum for row in rows for checksum in row}
    return all(checksum is None or checksum in known for checksum in checksums)
