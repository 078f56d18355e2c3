"""Real hosts for tests: an sshd of OpenSSH each, on a port of its own and with a home folder of its own.

Where the tests run as root, sshd does too, else as whoever runs them; all hosts are this machine. A `Wire` before a
host can be cut: then nothing gets through, and nobody is told.
"""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

from ringrift.fleet.hosts import ConnectionSettings, FleetSettings, Host, fleet_settings
from tests.processes import family, kill_all


@dataclass
class Server:
    """One host."""

    name: str
    folder: Path
    port: int
    host_key: str
    key: Path
    process: subprocess.Popen[bytes] | None = None
    via: int | None = None
    """The port of the wire before it."""
    address: str = "127.0.0.1"
    within: tuple[str, ...] = ()
    """What its commands begin with, such as those that enter a network namespace."""
    facts: dict[str, object] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def games(self) -> Path:
        return self.home / "data" / "selfplay"

    def entry(self, **changes: object) -> dict[str, object]:
        """What stands in hosts.yaml."""
        facts: dict[str, object] = {
            "address": self.address,
            "port": self.via or self.port,
            "user": getpass.getuser(),
            "key": str(self.key),
            "host_key": self.host_key,
            "roles": ["selfplay"],
            "home": "~",
            "code": "~/ringrift",
        }
        return facts | self.facts | changes

    def host(self, **changes: object) -> Host:
        return Host.model_validate(self.entry(**changes))

    def start(self) -> None:
        sshd = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin")
        assert sshd, "these tests need sshd; on Debian and Ubuntu: apt install openssh-server rsync"
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd insists on it
        with (self.folder / "sshd.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.within, sshd, "-D", "-e", "-f", self.folder / "sshd_config"],
                stdin=subprocess.DEVNULL,
                stderr=log,
            )
        give_up = time.monotonic() + 20
        while not _answers(self.address, self.port, self.within):
            assert self.process.poll() is None, (self.folder / "sshd.log").read_text()
            assert time.monotonic() < give_up
            time.sleep(0.02)

    def stop(self) -> None:
        """End the server and what serves its connections, as a power cut does."""
        if self.process is not None:
            kill_all(family(self.process.pid))
            self.process.wait()
            self.process = None


@contextmanager
def server(
    folder: Path,
    name: str,
    *,
    sftp: bool = True,
    address: str = "127.0.0.1",
    within: tuple[str, ...] = (),
    programs: Path | None = None,
    force: str | None = None,
    keys: tuple[str, str] | None = None,
    **facts: object,
) -> Iterator[Server]:
    """A running host; those in `programs` come before all others there.

    `force` is what its user's shell does in place of a command, `$SSH_ORIGINAL_COMMAND`. `keys` are its private key and
    the public one that it lets in, where they are not new ones.
    """
    folder.mkdir(parents=True)
    host_key, user_key = asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ssh-ed25519")
    user_key.write_public_key(folder / "authorized")
    if keys is not None:
        host_key = asyncssh.import_private_key(keys[0])
        (folder / "authorized").write_text(f"{keys[1]}\n")
    for path, key in ((folder / "host_key", host_key), (folder / "id", user_key)):
        key.write_private_key(path)
        path.chmod(0o600)
    public = host_key.export_public_key().decode().strip()
    made = Server(name, folder, free_port(), public, folder / "id", facts=facts, address=address, within=within)
    made.home.mkdir()
    variables = f'"HOME={made.home}"' + (f' "PATH={programs}:/usr/local/bin:/usr/bin:/bin"' if programs else "")
    lines = [
        *(f"ListenAddress {address}", f"Port {made.port}", f"HostKey {folder / 'host_key'}", "PidFile none"),
        *(f"AuthorizedKeysFile {folder / 'authorized'}", "StrictModes no", "UsePAM no", "PasswordAuthentication no"),
        *(
            "PermitRootLogin prohibit-password",
            "MaxStartups 100",
            f"SetEnv {variables}",
            "LogLevel ERROR",
        ),
        *(["Subsystem sftp internal-sftp"] if sftp else []),
        *([f"ForceCommand {force}"] if force else []),
    ]
    (folder / "sshd_config").write_text("\n".join(lines) + "\n")
    try:
        made.start()
        yield made
    finally:
        made.stop()


class Wire:
    """A way to a port that can be cut and mended. While it is cut, nothing gets through and nothing is closed."""

    left: int | None = None
    """Bytes until it is cut by itself; None for never."""

    def __init__(self, port: int) -> None:
        self.through = threading.Event()
        self.through.set()
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self._listener.accept()
            except OSError:
                return
            try:
                there = socket.create_connection(("127.0.0.1", self._target))
            except OSError:  # the host is down
                here.close()
                continue
            self._sockets += [here, there]
            for source, sink in ((here, there), (there, here)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while block := source.recv(1 << 16):
                if self.left is not None:
                    self.left -= len(block)
                    if self.left < 0:
                        self.through.clear()
                self.through.wait()
                sink.sendall(block)
            sink.shutdown(socket.SHUT_WR)

    def cut_after(self, size: int) -> None:
        self.left = size

    def mend(self) -> None:
        """Let new connections through; those that hung in the cut are gone."""
        self.left = None
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self.through.set()

    def close(self) -> None:
        self.through.set()
        for each in (self._listener, *self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


def small_programs(folder: Path) -> Path:
    """The programs of a host as small as Alpine Linux: those of busybox, with bash. Some can do less than here."""
    busybox = shutil.which("busybox")
    assert busybox, "these tests need busybox; on Debian and Ubuntu: apt install busybox"
    folder.mkdir()
    for name in subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split():
        (folder / name).symlink_to(busybox)
    (folder / "bash").symlink_to(shutil.which("bash") or "bash")
    for name, option, program in (("grep", "z", f"{busybox} grep"), ("flock", "w", str(shutil.which("flock")))):
        (folder / name).unlink(missing_ok=True)
        refusal = f'case $1 in -*{option}*) echo "{name}: unrecognized option: {option}" >&2; exit 1 ;; esac'
        (folder / name).write_text(f'#!{busybox} sh\n{refusal}\nexec {program} "$@"\n')
        (folder / name).chmod(0o755)
    return folder


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def connection_settings(**changes: object) -> ConnectionSettings:
    return fleet_settings().connection.model_copy(update={"known_hosts": "/nowhere", "seconds": 5} | changes)


def settings_for_tests(**sync: object) -> FleetSettings:
    settings = fleet_settings()
    return settings.model_copy(
        update={
            "connection": connection_settings(),
            "sync": settings.sync.model_copy(update={"min_games": 1} | sync),
        }
    )


def _answers(address: str, port: int, within: tuple[str, ...]) -> bool:
    """Whether somebody listens there, as it is seen from the host's own network."""
    words = [*within, "timeout", "1", "bash", "-c", f"</dev/tcp/{address}/{port}"]
    return subprocess.run(words, stderr=subprocess.DEVNULL, check=False).returncode == 0
