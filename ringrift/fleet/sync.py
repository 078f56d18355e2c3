"""Bringing the games of all self-play hosts here: incremental, whole lines only, verified, many hosts at once.

Of each host: list its files; of those that have more than we have, compare the checksum of our part and count the new
games; fetch what is missing; compare the checksum of the whole. A round can be cut at any place, and the next one goes
on there.
"""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Final

from ringrift.fleet.health import Health
from ringrift.fleet.hosts import FleetSettings, Host, SyncSettings
from ringrift.fleet.jobs import JobTrouble
from ringrift.fleet.mirror import Piece, RemoteFile, is_sound, missing_piece, target_of
from ringrift.fleet.shell import Unreachable
from ringrift.fleet.ssh import Reaction, SshShell, open_shells, reaction_to
from ringrift.fleet.transfer import fetch_by_rsync, fetch_by_sftp, have_rsync
from ringrift.game.errors import RingRiftError
from ringrift.locks import alone

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

SCRIPT: Final = Path(__file__).with_name("games.sh").read_bytes()
GAMES: Final = Path("data") / "selfplay"
INCOMING: Final = ".incoming"
"""What is on its way, in the folder of games; nobody looks into hidden folders."""
MEASURE_SECONDS: Final = 600.0
"""Checksums of all that is new, on a slow disk."""


class Busy(Unreachable):
    """Another process brings the same games."""


@dataclass(frozen=True)
class HostSync:
    """What a round has brought from one host."""

    host: str
    games: int = 0
    """New ones."""
    files: int = 0
    """That have grown, or are new."""
    bytes: int = 0
    """Of them, as they lie on disk."""
    waiting: int = 0
    """New games that stayed on the host, too few to be fetched."""
    again: int = 0
    """Files that came damaged, or changed meanwhile: the next round fetches them again."""
    way: str = ""
    """`rsync` or `sftp`; empty if nothing was to be fetched."""
    seconds: float = 0.0
    trouble: str = ""
    """Why there is not more, in a line; empty if nothing is wrong."""
    reaction: str = ""
    """What to do about the trouble."""


@dataclass(frozen=True)
class SyncReport:
    """What a round has brought. Prints as a table on a rich console."""

    hosts: tuple[HostSync, ...]
    min_games: int
    seconds: float

    @property
    def games(self) -> int:
        """New ones, of all hosts."""
        return sum(host.games for host in self.hosts)

    @property
    def failed(self) -> tuple[HostSync, ...]:
        """The hosts with trouble."""
        return tuple(host for host in self.hosts if host.trouble)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {"games": self.games, "failed": len(self.failed)} | asdict(self)

    def __str__(self) -> str:
        waiting = [f"{host.host}: {host.waiting} of {self.min_games} new games" for host in self.hosts if host.waiting]
        trouble = [f"{host.trouble} ({host.reaction})" for host in self.failed]
        return "; ".join([f"{self.games:,} new games from {len(self.hosts)} hosts", *waiting, *trouble])

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        from rich.markup import escape
        from rich.table import Table

        table = Table("host", "new games", "files", "MB", "by", "s", "remarks")
        for column in table.columns[1:4]:
            column.justify = "right"
        for host in self.hosts:
            remarks = [f"{host.waiting} of {self.min_games} new games wait there"] if host.waiting else []
            remarks += [f"{host.again} files are fetched again in the next round"] if host.again else []
            remarks += [f"{host.trouble} ({host.reaction})"] if host.trouble else []
            size, seconds = f"{host.bytes / 1e6:,.1f}", f"{host.seconds:.1f}"
            table.add_row(
                *(host.host, f"{host.games:,}", f"{host.files}", size, host.way, seconds),
                escape("\n".join(remarks)),
                style="red" if host.trouble else None,
            )
        yield table


@dataclass
class _Round:
    """One round with one host, and what it has brought so far."""

    name: str
    shell: SshShell
    root: Path
    settings: SyncSettings
    done: HostSync = field(init=False)
    folder: str = ""
    rsync: bool = False

    def __post_init__(self) -> None:
        self.done = HostSync(self.name)

    @property
    def staging(self) -> Path:
        """Where the host's files arrive."""
        return self.root / INCOMING / self.name

    async def run(self) -> None:
        """Do all of it; what was done before an error is in `done`."""
        pieces = await self._missing()
        pieces = await self._chosen(pieces)
        if not pieces:
            return
        fetch = fetch_by_rsync if self.rsync and have_rsync() else fetch_by_sftp
        self.done = replace(self.done, way="rsync" if fetch is fetch_by_rsync else "sftp")
        if fetch is fetch_by_sftp and not self.shell.compress:
            self.shell.compress = True
            await self.shell.close()
        for piece in pieces:
            piece.prepare()
        try:
            await fetch(self.shell, self.folder, [piece.remote.path for piece in pieces], self.staging, self.settings)
        finally:
            self._drop_empty(pieces)
        await self._take_in(pieces)

    async def _missing(self) -> list[Piece]:
        """What the host has that we have not."""
        listed = await self._ask("list", self.shell.host.home)
        head, lines = listed[:2], listed[2:]
        self.folder = head[0].partition(" ")[2]
        self.rsync = bool(head[1].partition(" ")[2])
        files = {file.path: file for file in map(_listed, lines)}
        pieces = []
        for path, file in sorted(files.items()):
            target = target_of(self.root, self.name, path)
            if target is None or f"{path}.gz" in files or not file.size:
                continue
            piece = missing_piece(file, target, self.staging / path)
            if piece is not None:
                pieces.append(piece)
        return pieces

    async def _chosen(self, pieces: list[Piece]) -> list[Piece]:
        """Those to fetch now: not files that grow as long as they have but a few new games."""
        growing = [piece for piece in pieces if not piece.remote.packed]
        for piece, (checksum, games) in zip(
            growing, await self._measure([(piece.remote.path, piece.base) for piece in growing]), strict=True
        ):
            piece.games = games
            if piece.base and checksum not in ("gone", await asyncio.to_thread(piece.sum_of, piece.base)):
                piece.base, piece.games = 0, max(games, self.settings.min_games)  # the host has begun it anew
        growing = [piece for piece in growing if piece.games]
        new = sum(piece.games for piece in growing)
        if new < self.settings.min_games:
            self.done = replace(self.done, waiting=new)
            growing = []
        return [piece for piece in pieces if piece.remote.packed] + growing

    async def _take_in(self, pieces: Sequence[Piece]) -> None:
        lengths = [piece.length for piece in pieces]
        come = [(piece, length) for piece, length in zip(pieces, lengths, strict=True) if length > piece.base]
        measured = await self._measure([(piece.remote.path, length) for piece, length in come])
        for (piece, length), (checksum, _) in zip(come, measured, strict=True):
            if checksum == "gone":  # compressed meanwhile: the next round finds it under its new name
                piece.staged.unlink()
                continue
            sound = await asyncio.to_thread(piece.sum_of, length) == checksum
            if sound and piece.remote.packed:
                sound = length == piece.remote.size and await asyncio.to_thread(is_sound, piece.staged)
            if not sound:
                if not (piece.remote.packed and length < piece.remote.size):
                    piece.staged.unlink()
                self.done = replace(self.done, again=self.done.again + 1)
                continue
            games = await asyncio.to_thread(piece.take_in, length)
            self.done = replace(
                self.done,
                games=self.done.games + games,
                files=self.done.files + 1,
                bytes=self.done.bytes + length - piece.base,
            )

    def _drop_empty(self, pieces: Sequence[Piece]) -> None:
        """Remove what is nothing but a hole: a growing file of which nothing came."""
        for piece in pieces:
            if piece.staged.exists() and piece.staged.stat().st_size <= piece.base:
                piece.staged.unlink()

    async def _measure(self, files: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
        """Of each file and length: SHA-256 up to there, and whole lines after it; `gone` if it is not there."""
        if not files:
            return []
        words = [word for path, length in files for word in (path, str(length))]
        lines = await self._ask("measure", self.folder, *words)
        return [(checksum, int(count)) for checksum, count in (line.split() for line in lines)]

    async def _ask(self, *words: str) -> list[str]:
        script = f"set -- {shlex.join(words)}\n".encode(errors="surrogateescape") + SCRIPT
        answer = await self.shell.run(script, seconds=MEASURE_SECONDS if words[0] == "measure" else 60.0)
        lines = answer.out.decode(errors="surrogateescape").splitlines()
        if answer.code or (words[0] == "list" and not (len(lines) >= 2 and lines[0].startswith("folder "))):
            said = (answer.err.splitlines() or [f"it answers {lines[:1]}; does its shell print a greeting?"])[-1]
            raise JobTrouble(f"{self.name}: its games cannot be listed: {said}")
        return lines


async def _sync_host(name: str, shell: SshShell, root: Path, settings: SyncSettings, health: Health | None) -> HostSync:
    started = time.monotonic()
    work = _Round(name, shell, root, settings)
    try:
        with _alone(root / INCOMING / name, name):
            await work.run()
    except RingRiftError as error:
        reaction = reaction_to(error)
        if health is not None and reaction is not Reaction.NEVER and not isinstance(error, Busy):
            await asyncio.to_thread(health.failed, name, error)
        done = replace(work.done, trouble=str(error), reaction=reaction.value)
    else:
        if health is not None:
            await asyncio.to_thread(health.answered, name)
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

    async def round(self) -> SyncReport:
        """Bring what is new from all hosts; one that is in trouble harms no other."""
        started = time.monotonic()
        limit = asyncio.Semaphore(self.settings.hosts_at_once)
        resting = {} if self.health is None else await asyncio.to_thread(self.health.resting)

        async def one(name: str, shell: SshShell) -> HostSync:
            if name in resting:
                return HostSync(name, trouble=f"{name}: {resting[name]}", reaction="retry later")
            async with limit:
                return await _sync_host(name, shell, self.root, self.settings, self.health)

        hosts = await asyncio.gather(*(one(name, shell) for name, shell in self.shells.items()))
        return SyncReport(tuple(hosts), self.settings.min_games, time.monotonic() - started)


def sync_games(
    hosts: Mapping[str, Host],
    settings: FleetSettings,
    *,
    root: Path = GAMES,
    health: Health | None = None,
) -> SyncReport:
    """Bring all new games of these hosts to `root/<config>/<host>/<worker>/`, once."""

    async def run() -> SyncReport:
        async with open_shells(hosts, settings.connection) as shells:
            return await Sync(shells, root, settings.sync, health).round()

    return asyncio.run(run())


def stream_games(
    hosts: Mapping[str, Host],
    settings: FleetSettings,
    stop: Event,
    tell: Callable[[SyncReport], None],
    *,
    root: Path = GAMES,
    health: Health | None = None,
) -> None:
    """Bring new games again and again, over one connection a host, until `stop` is set; `tell` hears of every round."""

    async def run() -> None:
        async with open_shells(hosts, settings.connection) as shells:
            sync = Sync(shells, root, settings.sync, health)
            while not stop.is_set():
                began = time.monotonic()
                round_ = asyncio.create_task(sync.round())
                while not round_.done() and not stop.is_set():
                    await asyncio.wait([round_], timeout=0.2)
                if not round_.done():
                    round_.cancel()
                    await asyncio.wait([round_])
                    return
                tell(round_.result())
                while not stop.is_set() and time.monotonic() < began + settings.sync.stream_seconds:
                    await asyncio.sleep(0.2)

    asyncio.run(run())


def _listed(line: str) -> RemoteFile:
    size, changed, path = line.split(" ", 2)
    return RemoteFile(path.removeprefix("./"), int(size), int(changed))


def _alone(folder: Path, name: str) -> AbstractContextManager[None]:
    """Hold the lock of a host's mirror."""
    return alone(folder / ".lock", folder, Busy(f"{name}: another process brings its games just now"))
