"""Bringing the games of all self-play hosts here: incremental, whole lines only, verified, many hosts at once.

Of each host: list its files; of those that have more than we have, compare the checksum of our part and count the new
games; fetch what is missing, and compare the checksum of the whole. What then is here is what the host has, down to the
last bit; whether it can be unpacked and replayed is for `ringrift games ingest`, the door to the database. A round can
be cut at any place, and the next one goes on there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

from ringrift.errors import Busy, RingRiftError
from ringrift.files import alone
from ringrift.fleet.archive import ArchiveSync, fill_archive
from ringrift.fleet.health import Health
from ringrift.fleet.hosts import FleetSettings, Host, SyncSettings
from ringrift.fleet.mirror import PACKED, Piece, RemoteFile, missing_piece, target_of
from ringrift.fleet.outcome import note_answer, note_trouble
from ringrift.fleet.prune import closed_files, prune
from ringrift.fleet.remote import RemoteGames, in_batches
from ringrift.fleet.shell import Unreachable
from ringrift.fleet.ssh import OpenConnection, SshShell, no_connections, open_shells
from ringrift.fleet.transfer import fetch_by_rsync, fetch_by_sftp, have_rsync
from ringrift.game_database import GamesDatabase
from ringrift.run_context import RunContext

T = TypeVar("T")

NO_HOSTS: Final[Mapping[str, Host]] = MappingProxyType({})
GAMES: Final = Path("data") / "selfplay"
INCOMING: Final = ".incoming"
"""The folder, within that of games, of files on their way; its name is hidden, so that no reader looks into it."""


class BusyMirror(Unreachable, Busy):
    """Another process brings the same games."""


@dataclass(frozen=True)
class HostSync:
    """The files that a round has brought from one host."""

    host: str
    games: int = 0
    """New ones."""
    files: int = 0
    """Files that have grown, or are new."""
    bytes: int = 0
    """Their new bytes, as they lie on disk."""
    waiting: int = 0
    """New games that stayed on the host, too few to be fetched."""
    refused: str = ""
    """Which lines of its list of games are none, in a line; empty if all are sound."""
    again: int = 0
    """Files that came damaged, or changed meanwhile: the next round fetches them again."""
    removed: int = 0
    """Closed files that are here, and on the host no more."""
    freed: int = 0
    """Bytes that they took there."""
    way: str = ""
    """`rsync` or `sftp`; empty if nothing was to be fetched."""
    seconds: float = 0.0
    trouble: str = ""
    """Why there is not more, in a line; empty if nothing is wrong."""
    reaction: str = ""
    """The reaction to the trouble; empty if there is none."""


@dataclass(frozen=True)
class SyncReport:
    """The files that a round has brought."""

    hosts: tuple[HostSync, ...]
    min_games: int
    seconds: float
    archives: tuple[ArchiveSync, ...] = ()
    """The files that archives have received since the last report."""

    @property
    def games(self) -> int:
        """New ones, of all hosts."""
        return sum(host.games for host in self.hosts)

    @property
    def failed(self) -> tuple[HostSync | ArchiveSync, ...]:
        """The hosts with trouble, archives among them."""
        reports: tuple[HostSync | ArchiveSync, ...] = (*self.hosts, *self.archives)
        return tuple(host for host in reports if host.trouble)

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON for programs."""
        return {"games": self.games, "failed": len(self.failed)} | asdict(self)

    def __str__(self) -> str:
        waiting = [f"{host.host}: {host.waiting} of {self.min_games} new games" for host in self.hosts if host.waiting]
        removed = [f"{host.host}: {host.removed} files removed there" for host in self.hosts if host.removed]
        refused = [host.refused for host in self.hosts if host.refused]
        trouble = [f"{host.trouble} ({host.reaction})" for host in self.failed]
        new = f"{self.games:,} new games from {len(self.hosts)} hosts"
        archived = [str(one) for one in self.archives if one.files and not one.trouble]
        return "; ".join([new, *waiting, *removed, *refused, *archived, *trouble])


@dataclass
class _Round:
    """One round with one host, and what it has brought so far."""

    games: RemoteGames
    root: Path
    settings: SyncSettings
    database: GamesDatabase | None
    done: HostSync = field(init=False)

    def __post_init__(self) -> None:
        self.done = HostSync(self.name)

    @property
    def name(self) -> str:
        """The name of the host."""
        return self.games.shell.name

    @property
    def staging(self) -> Path:
        """The folder in which the host's files arrive."""
        return self.root / INCOMING / self.name

    async def run(self) -> None:
        """Do all of it; what was done before an error is in `done`."""
        files = await self.games.files()
        if refused := self.games.refused:
            self.done = replace(self.done, refused=f"{len(refused)} files are passed over: {refused[0]}")
        pieces = await self._chosen(self._missing(files))
        if pieces:
            await self._bring(pieces)
        if self.settings.prune.always:
            closed = closed_files(files.values(), self.root, self.name)
            async for removed in prune(self.games, closed, self.settings.prune, self.database):
                self.done = replace(
                    self.done,
                    removed=self.done.removed + removed.files,
                    freed=self.done.freed + removed.bytes,
                    again=self.done.again + removed.differ,
                )

    async def _bring(self, pieces: Sequence[Piece]) -> None:
        by_rsync = self.games.rsync and have_rsync()
        self.done = replace(self.done, way="rsync" if by_rsync else "sftp")
        shell = self.games.shell
        if not by_rsync and not shell.compress:
            shell.compress = True
            await shell.close()
        come: list[Piece] = []
        batches = in_batches(pieces, lambda piece: piece.remote.size - piece.base)
        for batch in chain(batches, [[]]):  # one comes while the one before it is verified
            ends = await asyncio.gather(self._fetch(batch, by_rsync), self._take_in(come), return_exceptions=True)
            for error in ends:
                if error is not None:
                    raise error
            come = batch

    def _missing(self, files: Mapping[str, RemoteFile]) -> list[Piece]:
        """Return the files of the host that are missing here."""
        pieces = []
        for path, file in sorted(files.items()):
            target = target_of(self.root, self.name, path)
            if target is None or f"{path}{PACKED}" in files or not file.size:
                continue
            piece = missing_piece(file, target, self.staging / path)
            if piece is not None:
                pieces.append(piece)
        return pieces

    async def _chosen(self, pieces: list[Piece]) -> list[Piece]:
        """Those to fetch now: not files that grow as long as they have but a few new games."""
        growing = [piece for piece in pieces if not piece.remote.packed]
        measured = await self.games.measure([(piece.remote.path, piece.base) for piece in growing])
        for piece, there in zip(growing, measured, strict=True):
            piece.games = there.lines
            if piece.base and there.checksum not in ("", await asyncio.to_thread(piece.sum_of, piece.base)):
                piece.base, piece.games = 0, max(there.lines, self.settings.min_games)  # the host has begun it anew
        growing = [piece for piece in growing if piece.games]
        new = sum(piece.games for piece in growing)
        if new < self.settings.min_games:
            self.done = replace(self.done, waiting=new)
            growing = []
        return [piece for piece in pieces if piece.remote.packed] + growing

    async def _fetch(self, pieces: Sequence[Piece], by_rsync: bool) -> None:
        if not pieces:
            return
        for piece in pieces:
            piece.prepare()
        fetch = fetch_by_rsync if by_rsync else fetch_by_sftp
        paths = [piece.remote.path for piece in pieces]
        try:
            await fetch(self.games.shell, self.games.folder, paths, self.staging, self.settings)
        finally:
            for piece in pieces:  # what is nothing but a hole: a growing file of which nothing came
                if piece.staged.exists() and piece.staged.stat().st_size <= piece.base:
                    piece.staged.unlink()

    async def _take_in(self, pieces: Sequence[Piece]) -> None:
        """Make what has come a part of the games here, if it is what the host has."""
        come = [(piece, length) for piece in pieces if (length := piece.length) > piece.base]
        measured, sums = await asyncio.gather(
            self.games.measure([(piece.remote.path, length) for piece, length in come]),
            asyncio.to_thread(lambda: [piece.sum_of(length) for piece, length in come]),
        )
        for (piece, length), there, checksum in zip(come, measured, sums, strict=True):
            if not there.checksum:  # compressed meanwhile: the next round finds it under its new name
                piece.staged.unlink()
            elif piece.remote.packed and length < piece.remote.size:  # cut: the next round goes on there
                self.done = replace(self.done, again=self.done.again + 1)
            elif there.checksum != checksum:
                piece.staged.unlink()
                self.done = replace(self.done, again=self.done.again + 1)
            else:
                self.done = replace(
                    self.done,
                    games=self.done.games + await asyncio.to_thread(piece.take_in, length),
                    files=self.done.files + 1,
                    bytes=self.done.bytes + length - piece.base,
                )


async def _sync_host(name: str, shell: SshShell, root: Path, settings: SyncSettings, health: Health | None) -> HostSync:
    started = time.monotonic()
    work = _Round(RemoteGames(shell), root, settings, None if health is None else health.database)
    try:
        with _alone(root / INCOMING / name, name):
            await work.run()
    except RingRiftError as error:
        if isinstance(error, BusyMirror):  # that another process is at it is no trouble of the host
            health = None
        reaction = await note_trouble(health, name, error)
        if health is not None:
            await asyncio.to_thread(health.count_sync, name, "failed")
        done = replace(work.done, trouble=str(error), reaction=reaction.value)
    else:
        await note_answer(health, name)
        if health is not None:
            await asyncio.to_thread(health.count_sync, name, "ok")
        done = work.done
    return replace(done, seconds=time.monotonic() - started)


@dataclass
class Sync:
    """Rounds of sync with the same hosts, over connections that stay open from one to the next."""

    shells: Mapping[str, SshShell]
    root: Path
    """The folder of games here."""
    settings: SyncSettings
    health: Health | None = None
    archives: Mapping[str, SshShell] = field(default_factory=dict)
    """The hosts that get all closed files; what one of them gets holds up no round."""
    _filling: dict[str, asyncio.Task[ArchiveSync]] = field(default_factory=dict, init=False)

    async def round(self) -> SyncReport:
        """Bring what is new from all hosts; one that is in trouble harms no other.

        Archives that have all they were sent begin to get the rest; the report tells of those that have ended.
        """
        started = time.monotonic()
        limit = asyncio.Semaphore(self.settings.hosts_at_once)
        resting = {} if self.health is None else await asyncio.to_thread(self.health.resting)

        async def one(name: str, shell: SshShell) -> HostSync:
            if name in resting:
                return HostSync(name, trouble=f"{name}: {resting[name]}", reaction="retry later")
            async with limit:
                return await _sync_host(name, shell, self.root, self.settings, self.health)

        hosts = await asyncio.gather(*(one(name, shell) for name, shell in self.shells.items()))
        archived = [
            ArchiveSync(name, trouble=f"{name}: {resting[name]}", reaction="retry later")
            for name in self.archives
            if name in resting
        ]
        archived += [self._filling.pop(name).result() for name, task in [*self._filling.items()] if task.done()]
        for name, shell in self.archives.items():
            if name not in resting and name not in self._filling:
                self._filling[name] = asyncio.create_task(fill_archive(shell, self.root, self.health))
        return SyncReport(tuple(hosts), self.settings.min_games, time.monotonic() - started, tuple(archived))

    async def archived(self) -> tuple[ArchiveSync, ...]:
        """Wait for what archives are getting; what has come of it."""
        return tuple(await asyncio.gather(*(self._filling.pop(name) for name in [*self._filling])))

    async def stop_archiving(self) -> None:
        """End what archives are getting; the next round goes on there."""
        for task in self._filling.values():
            task.cancel()
        await asyncio.gather(*self._filling.values(), return_exceptions=True)


def sync_games(
    hosts: Mapping[str, Host],
    settings: FleetSettings,
    *,
    root: Path = GAMES,
    health: Health | None = None,
    archives: Mapping[str, Host] = NO_HOSTS,
    connect: OpenConnection = no_connections,
) -> SyncReport:
    """Bring all new games of these hosts to `root/<config>/<host>/<worker>/`, once, and then to the archives."""

    async def run() -> SyncReport:
        async with (
            open_shells(hosts, settings.connection, connect) as shells,
            open_shells(archives, settings.connection, connect) as others,
        ):
            sync = Sync(shells, root, settings.sync, health, others)
            report = await sync.round()
            return replace(report, archives=(*report.archives, *await sync.archived()))

    return asyncio.run(run())


def stream_games(
    hosts: Mapping[str, Host],
    context: RunContext[FleetSettings],
    on_round: Callable[[SyncReport], None],
    *,
    root: Path = GAMES,
    health: Health | None = None,
    archives: Mapping[str, Host] = NO_HOSTS,
    alive: Callable[[], None] = lambda: None,
    over: Callable[[], bool] = lambda: False,
) -> None:
    """Bring new games again and again, over one connection a host, until it is cancelled, or is `over` after a round.

    `on_round` gets the report of every round, in a thread of its own, and the next one waits for it. `alive` is called
    several times a second, as long as none of it is stuck.
    """
    settings = context.settings

    async def until_done(work: asyncio.Task[T], *, cancel: bool) -> T | None:
        """Wait for work; None if it was cancelled meanwhile."""
        while not work.done() and not (cancel and context.cancelled):
            alive()
            await asyncio.wait([work], timeout=0.2)
        if work.done():
            return work.result()
        work.cancel()
        await asyncio.wait([work])
        return None

    async def run() -> None:
        async with (
            open_shells(hosts, settings.connection) as shells,
            open_shells(archives, settings.connection) as others,
        ):
            sync = Sync(shells, root, settings.sync, health, others)
            try:
                await rounds(sync)
            finally:
                await sync.stop_archiving()

    async def rounds(sync: Sync) -> None:
        while not context.cancelled:
            began = time.monotonic()
            report = await until_done(asyncio.create_task(sync.round()), cancel=True)
            if report is None:
                return
            await until_done(asyncio.create_task(asyncio.to_thread(on_round, report)), cancel=False)
            if over():
                return
            while not context.cancelled and time.monotonic() < began + settings.sync.stream_seconds:
                alive()
                await asyncio.sleep(0.2)

    asyncio.run(run())


def _alone(folder: Path, name: str) -> AbstractContextManager[None]:
    """Hold the lock of a host's mirror."""
    return alone(folder / ".lock", folder, BusyMirror(f"{name}: another process brings its games just now"))
