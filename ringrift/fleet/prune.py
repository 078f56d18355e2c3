"""Removing games from their hosts once they are safely here, so that no host's disk fills up.

A closed file goes if the one here has the same SHA-256, both computed at that moment, lasts a power cut, can be read to
its end, and has been taken into the database or lain here long enough. The host keeps the numbers of its games, so that
its worker does not play them again.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path

import orjson

from ringrift.fleet.hosts import PruneSettings
from ringrift.fleet.mirror import PACKED, RemoteFile, checksum_of_file, missing_piece, target_of
from ringrift.fleet.remote import RemoteGames, in_batches
from ringrift.game_database import GamesDatabase
from ringrift.game_database.sources import is_ingested
from ringrift.selfplay.files import DamagedFile, game_numbers


@dataclass(frozen=True)
class Removed:
    """The outcome for some files."""

    files: int
    bytes: int
    differ: int
    """Files that are not what they were when they came, here or there: the next round fetches them again."""


@dataclass(frozen=True)
class Closed:
    """A closed file of a host that is here too."""

    remote: RemoteFile
    here: Path


def closed_files(files: Iterable[RemoteFile], root: Path, host: str) -> list[Closed]:
    """The closed files of a host that are here, the newest first."""
    known = {file.path: file for file in files}
    closed = []
    for path, file in known.items():
        here = target_of(root, host, path)
        if here is None or not file.packed or path.removesuffix(PACKED) in known:  # just being compressed
            continue
        if missing_piece(file, here, here) is None:
            closed.append(Closed(file, here))
    return sorted(closed, key=lambda file: (-file.remote.changed, file.remote.path))


async def prune(
    games: RemoteGames, closed: Iterable[Closed], settings: PruneSettings, database: GamesDatabase | None
) -> AsyncIterator[Removed]:
    """Remove files from their host, a part at a time; `closed` has the newest first."""
    going = await asyncio.to_thread(_going, closed, settings, database)
    for batch in in_batches(going, lambda file: file.remote.size):
        proofs = {file: proof for file in batch if (proof := await asyncio.to_thread(_proof, file))}
        ends = await games.remove([(file.remote.path, *proof) for file, proof in proofs.items()]) if proofs else []
        ended = dict(zip(proofs, ends, strict=True))
        removed = [file.remote.size for file in ended if ended[file] == "removed"]
        differ = [file for file in ended if ended[file] == "differs"]
        for file in differ:
            os.utime(file.here, (0, 0))  # not the file of the host any more
        yield Removed(len(removed), sum(removed), len(differ))


def _going(closed: Iterable[Closed], settings: PruneSettings, database: GamesDatabase | None) -> list[Closed]:
    """The files that are to go, the newest first."""
    room = settings.keep_gb * 1e9
    latest = time.time() - settings.days * 86400
    going = []
    for file in closed:
        room -= file.remote.size
        # When it came here, by the clock of this machine.
        if room < 0 and (file.here.stat().st_ctime <= latest or (database and is_ingested(database, file.here))):
            going.append(file)
    return going


def _proof(file: Closed) -> tuple[str, str] | None:
    """SHA-256 of a file here and the numbers of its games, once it is safe; None if it cannot be read to its end."""
    for path in (file.here, file.here.parent):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    run = file.here.name.rpartition("-")[0]
    try:
        numbers = sorted(game_numbers(file.here, run))
    except DamagedFile:
        return None
    return checksum_of_file(file.here), orjson.dumps(numbers).decode()
