"""Cost of a large fleet for its coordinator: simulated hosts, each polled, synced and given a job.

All hosts are one process beside the one that is measured. It speaks SSH as they do, and has their files; what a host
would compute itself, such as its load, is a fixed answer.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import shlex
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import asyncssh
from sqlalchemy import event

from ringrift.errors import RingRiftError
from ringrift.fleet.health import Health
from ringrift.fleet.hosts import FleetSettings, Host, fleet_settings
from ringrift.fleet.ssh import open_shells
from ringrift.fleet.sync import GAMES, Sync, SyncReport
from ringrift.fleet.tending import tend_fleet
from ringrift.game_database import GamesDatabase

CONFIG: Final = "square8_2p"
USAGE: Final = (
    b"cpu 71.5\ncores 16\nload 11.4\nmemory 65000000 30000000\ndisk 400000000 250000000\ngpu 76 30000 80000\nend\n"
)
FILE: Final = "bench-000001.jsonl"
SECONDS: Final = 120
"""The patience with hosts that all share the processors of one machine, which real ones do not."""
LINE_BYTES: Final = 3000
"""About those of a game of the small board with its searches; sync looks at ends of lines alone."""


@dataclass(frozen=True)
class RoundCost:
    """The cost of one round over all hosts, for the coordinator alone."""

    what: str
    seconds: float
    """The time by the clock, on a machine that hosts and coordinator share."""
    cpu_seconds: float
    statements: int
    """The number of statements that the database has run."""


@dataclass(frozen=True)
class FleetCost:
    """The cost of a fleet."""

    hosts: int
    rounds: tuple[RoundCost, ...]
    peak_mb: float
    """The most memory of the coordinator's process."""
    open_mb: float
    """The part of it that came with the open connections."""


def measure_fleet(hosts: int) -> FleetCost:
    """Poll, sync and place jobs on simulated hosts; the first round of sync connects, the later ones bring games."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(root / "key")
        (root / "key").chmod(0o600)
        ours, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        server = context.Process(
            target=_serve, args=(theirs, str(root), hosts, key.export_public_key().decode()), daemon=True
        )
        server.start()
        try:
            port, host_key = ours.recv()
            known = {
                _name(number): Host(
                    address="127.0.0.1",
                    port=port,
                    user=_name(number),
                    key=str(root / "key"),
                    host_key=host_key,
                    roles=["selfplay"],
                    home=f"{root}/{_name(number)}",
                )
                for number in range(hosts)
            }

            def play() -> None:
                ours.send("play")
                ours.recv()

            return _measured(root, known, play)
        finally:
            server.terminate()
            server.join()


def _measured(root: Path, known: dict[str, Host], play: Callable[[], object]) -> FleetCost:
    settings = fleet_settings()
    patient = settings.connection.model_copy(update={"seconds": SECONDS})
    eager = settings.sync.model_copy(update={"min_games": 1})
    settings = settings.model_copy(update={"connection": patient, "sync": eager})
    with GamesDatabase(str(root / "games.db"), create=True) as database:
        health = Health(database, known, settings.health)
        statements = [0]

        @event.listens_for(database.engine, "before_cursor_execute")
        def count(*_: object) -> None:
            statements[0] += 1

        def cost(what: str, work: Callable[[], object]) -> RoundCost:
            statements_before, cpu_before, began = statements[0], _cpu(), time.monotonic()
            work()
            return RoundCost(what, time.monotonic() - began, _cpu() - cpu_before, statements[0] - statements_before)

        def poll() -> None:
            troubles = [row.trouble for row in tend_fleet(known, settings, health) if row.trouble]
            if troubles:
                raise RingRiftError(f"{len(troubles)} simulated hosts were in trouble, such as: {troubles[0]}")

        before = _peak()
        rounds = [cost("poll", poll)]
        with asyncio.Runner() as runner:
            sync_rounds, connections = runner.run(_syncs(known, settings, root, health, play, cost))
        rounds += sync_rounds
        rounds.append(cost("place", lambda: [health.choose(f"job-{name}", "selfplay") for name in known]))
    return FleetCost(len(known), tuple(rounds), _peak(), connections - before)


async def _syncs(
    known: dict[str, Host],
    settings: FleetSettings,
    root: Path,
    health: Health,
    play: Callable[[], object],
    cost: Callable[[str, Callable[[], object]], RoundCost],
) -> tuple[list[RoundCost], float]:
    """Measure rounds of sync over connections that stay open; with them the memory that is used then."""
    loop = asyncio.get_running_loop()
    async with open_shells(known, settings.connection) as shells:
        sync = Sync(shells, root / "here", settings.sync, health)

        async def measured(what: str, games: int) -> RoundCost:
            began: list[RoundCost] = []
            reports: list[SyncReport] = []

            def run() -> None:
                reports.append(asyncio.run_coroutine_threadsafe(sync.round(), loop).result())

            await asyncio.to_thread(lambda: began.append(cost(what, run)))
            (report,) = reports
            if report.failed or report.games != games:
                raise RingRiftError(f"{report.games} games came in place of {games}: {str(report)[:400]}")
            return began[0]

        rounds = [await measured("sync: connect, and the first game of each", len(known))]
        rounds.append(await measured("sync: nothing new", 0))
        await asyncio.to_thread(play)
        rounds.append(await measured("sync: one new game of each", len(known)))
        return rounds, _peak()


def _serve(way: Connection, root: str, hosts: int, key: str) -> None:
    """Be all hosts, until the process is ended."""
    asyncio.run(_hosts(way, Path(root), hosts, key))


async def _hosts(way: Connection, root: Path, hosts: int, key: str) -> None:
    line = b'{"run":"bench","filling":"%s"}\n' % (b"x" * LINE_BYTES)
    for number in range(hosts):
        path = _file(root, _name(number))
        path.parent.mkdir(parents=True)
        path.write_bytes(line)
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    (root / "authorized").write_text(key)
    listener = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=[host_key],
        authorized_client_keys=str(root / "authorized"),
        process_factory=lambda process: _answer(process, root),
        sftp_factory=True,
        encoding=None,
        backlog=1000,
    )
    way.send((listener.get_port(), host_key.export_public_key().decode().strip()))
    while await asyncio.to_thread(way.recv):
        for number in range(hosts):
            with _file(root, _name(number)).open("ab") as file:
                file.write(line)
        way.send("played")


async def _answer(process: asyncssh.SSHServerProcess[bytes], root: Path) -> None:
    """Answer a script as a host would."""
    script = await process.stdin.read()
    begin, _, rest = script.partition(b"\n")
    words = shlex.split(rest.partition(b"\n")[0].decode())[2:]
    name = str(process.get_extra_info("username"))
    process.stdout.write(begin.removeprefix(b"echo ") + b"\n" + _said(words, _file(root, name), rest))
    process.exit(0)


def _said(words: list[str], file: Path, script: bytes) -> bytes:
    folder = file.parents[3]
    if b"usage.sh" in script:
        return USAGE
    if words[0] == "list" and b"games.sh" in script:
        size, changed = file.stat().st_size, int(file.stat().st_mtime)
        return f"folder {folder}\nrsync \n{size} {changed} ./{file.relative_to(folder)}\n".encode()
    if words[0] == "measure":
        lines = b""
        for path, length in zip(words[2::2], words[3::2], strict=True):
            text = (folder / path).read_bytes()
            lines += f"{sha256(text[: int(length)]).hexdigest()} {text[int(length) :].count(10)}\n".encode()
        return lines
    return b""


def _name(number: int) -> str:
    return f"host-{number:04}"


def _file(root: Path, name: str) -> Path:
    return root / name / GAMES / CONFIG / name / "0" / FILE


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
