"""Speed of bringing games from a host, beside plain rsync and the disk: a real sshd on this machine."""

from __future__ import annotations

import asyncio
import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median
from typing import Final, Literal

import asyncssh

from ringrift.benchmarks.datasets import disk_speed
from ringrift.benchmarks.games import bench_records
from ringrift.errors import RingRiftError
from ringrift.fleet.hosts import FleetSettings, Host, fleet_settings
from ringrift.fleet.ssh import open_shells
from ringrift.fleet.sync import GAMES, Sync, sync_games
from ringrift.selfplay.files import compress, compressed_path

CONFIG: Final = "square8_2p"
FILE_BYTES: Final = 32_000_000
"""The bytes of a file of games before it is compressed."""
HOST: Final = "bench"

Kind = Literal["closed", "growing"]


class NoProgram(RingRiftError):
    """A program that the benchmark starts is not installed."""


@dataclass(frozen=True)
class SyncSpeed:
    """Speed of bringing files that are new here; of several tries the fastest."""

    kind: Kind
    """Whether the files are closed, and compressed, or grow, and are compressed on their way."""
    files: int
    bytes: int
    bytes_per_second: float
    rsync_bytes_per_second: float
    """The rate of `rsync -a` over `ssh`, which counts, verifies and syncs nothing."""
    rsync_compressed_bytes_per_second: float
    """The rate of `rsync -az`."""
    disk_bytes_per_second: float
    """The rate of writing one plain file of that size, synced to the disk."""

    @property
    def slowdown(self) -> float:
        """The time relative to that of `rsync -a`."""
        return self.rsync_bytes_per_second / self.bytes_per_second


@dataclass(frozen=True)
class SyncLatency:
    """The medians of the seconds that rounds over an open connection take."""

    files: int
    """The number of closed files that are here already."""
    empty: float
    """The seconds of a round when nothing is new."""
    one_game: float
    """The seconds of a round with one new game in a file that grows."""


@dataclass(frozen=True)
class _Server:
    """A host that is this machine, and what plain ssh needs to get there."""

    home: Path
    host: Host
    command: str

    @property
    def worker(self) -> Path:
        return self.home / GAMES / CONFIG / HOST / "0"

    def settings(self) -> FleetSettings:
        settings = fleet_settings()
        return settings.model_copy(update={"sync": settings.sync.model_copy(update={"min_games": 1})})


def measure_sync(kind: Kind, megabytes: int, *, repeats: int) -> SyncSpeed:
    """Bring about `megabytes` of games to new folders, by turns with plain rsync."""
    with tempfile.TemporaryDirectory() as folder, _server(Path(folder)) as server:
        place = Path(folder)
        files = _fill(server.worker, kind, megabytes)
        size = sum(path.stat().st_size for path in files)
        settings = server.settings()
        seconds: dict[str, list[float]] = {"sync": [], "-a": [], "-az": []}
        for number in range(repeats):
            out = place / str(number)
            os.sync()
            report = sync_games({HOST: server.host}, settings, root=out / "sync")
            if report.failed:
                raise RingRiftError(str(report))
            seconds["sync"].append(report.seconds)
            for option in ("-a", "-az"):
                os.sync()
                started = time.monotonic()
                words = ["rsync", option, "-e", server.command, f"127.0.0.1:{server.home / GAMES}/", out / option]
                subprocess.run(words, check=True)
                seconds[option].append(time.monotonic() - started)
            shutil.rmtree(out)
        disk = max(disk_speed(place / "plain", size) for _ in range(repeats))
    best = {way: size / min(tries) for way, tries in seconds.items()}
    return SyncSpeed(kind, len(files), size, best["sync"], best["-a"], best["-az"], disk)


def measure_latency(files: int, *, repeats: int) -> SyncLatency:
    """Measure rounds with a host whose closed files are all here, and with one new game each."""
    with tempfile.TemporaryDirectory() as folder, _server(Path(folder)) as server:
        server.worker.mkdir(parents=True)
        lines = [record.to_line() for record in bench_records(CONFIG, repeats + 2, search=True, every=1)]
        for number in range(files):
            closed = server.worker / f"closed-{number:06}.jsonl"
            closed.write_bytes(lines[0])
            compress(closed)
        growing = server.worker / "growing-000001.jsonl"
        growing.write_bytes(lines[0])

        async def rounds() -> tuple[list[float], list[float]]:
            settings = server.settings()
            async with open_shells({HOST: server.host}, settings.connection) as shells:
                sync = Sync(shells, Path(folder) / "sync", settings.sync)
                await sync.round()
                empty = [(await sync.round()).seconds for _ in range(repeats)]
                one_game = []
                for line in lines[1 : repeats + 1]:
                    with growing.open("ab") as file:
                        file.write(line)
                    report = await sync.round()
                    if report.games != 1:
                        raise RingRiftError(str(report))
                    one_game.append(report.seconds)
            return empty, one_game

        empty, one_game = asyncio.run(rounds())
    return SyncLatency(files, median(empty), median(one_game))


def _fill(folder: Path, kind: Kind, megabytes: int) -> list[Path]:
    """Write files of games, at least one, all with the same games."""
    folder.mkdir(parents=True)
    first = folder / "run-000001.jsonl"
    wanted = min(FILE_BYTES, 4 * megabytes * 1_000_000)
    lines = [record.to_line() for record in bench_records(CONFIG, 250, search=True, every=1)]
    content = b"".join(lines)
    first.write_bytes(content * -(-wanted // len(content)))
    if kind == "closed":
        compress(first)
        first = compressed_path(first)
    files = [first]
    for number in count(2):
        if first.stat().st_size * len(files) >= megabytes * 1_000_000:
            return files
        files.append(folder / first.name.replace("000001", f"{number:06}"))
        shutil.copyfile(first, files[-1])
    raise AssertionError


@contextmanager
def _server(folder: Path) -> Iterator[_Server]:
    """Start an sshd of its own for the user of this process, with a home folder of its own."""
    sshd = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin")
    if sshd is None or shutil.which("ssh") is None or shutil.which("rsync") is None:
        raise NoProgram("sshd, ssh or rsync is missing; on Debian and Ubuntu: apt install openssh-server rsync")
    home = folder / "home"
    home.mkdir()
    keys = {name: asyncssh.generate_private_key("ssh-ed25519") for name in ("host_key", "id")}
    for name, key in keys.items():
        key.write_private_key(folder / name)
        (folder / name).chmod(0o600)
    keys["id"].write_public_key(folder / "authorized")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    public = keys["host_key"].export_public_key().decode().strip()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {public}\n")
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder}/host_key\nPidFile none\nUsePAM no\nStrictModes no\n"
        f"AuthorizedKeysFile {folder}/authorized\nSetEnv HOME={home}\nSubsystem sftp internal-sftp\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd insists on it
    command = f"ssh -p {port} -i {folder}/id -o UserKnownHostsFile={folder}/known_hosts -o BatchMode=yes"
    host = Host(
        address="127.0.0.1",
        port=port,
        user=getpass.getuser(),
        key=str(folder / "id"),
        host_key=public,
        roles=["selfplay"],
        home="~",
    )
    with subprocess.Popen([sshd, "-D", "-e", "-f", folder / "sshd_config"], stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(port)
            yield _Server(home, host, command)
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    give_up = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > give_up:
                raise NoProgram("sshd does not start") from None
            time.sleep(0.02)
