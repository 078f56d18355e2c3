"""A small supervisor that stands in for the systemd of a host's user, and does what the installed units say.

Where tests run, systemd mostly does not. Honoured are: `ExecStart`, `WorkingDirectory`, `Environment`,
`EnvironmentFile`, `Type` (exec, oneshot, notify), `Requires`, `Restart`, `RestartSec`, `RestartPreventExitStatus`,
`WatchdogSec`, `TimeoutStopSec` and the specifiers `%h`, `%i`, `%%`. Seconds of the units pass `haste` times as fast.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.processes import family, kill_all

CLIENT = """#!{python} -IS
import json, socket, sys
with socket.socket(socket.AF_UNIX) as way:
    way.connect({path!r})
    way.sendall(json.dumps(sys.argv[1:]).encode())
    way.shutdown(socket.SHUT_WR)
    code, said = json.loads(way.makefile().read())
sys.stdout.write(said)
sys.exit(code)
"""


class Unit:
    """The file of a unit, for one instance."""

    def __init__(self, folder: Path, name: str, home: Path) -> None:
        stem, _, instance = name.removesuffix(".service").partition("@")
        path = folder / (f"{stem}@.service" if instance else name)
        text = path.read_text().replace("%%", "\0").replace("%h", str(home)).replace("%i", instance).replace("\0", "%")
        self._lines: dict[str, list[str]] = defaultdict(list)
        for line in text.splitlines():
            key, equals, value = line.partition("=")
            if equals and not line.startswith("#"):
                self._lines[key.strip()].append(value.strip())

    def all(self, key: str) -> list[str]:
        return self._lines[key]

    def one(self, key: str, default: str = "") -> str:
        return self._lines[key][-1] if self._lines[key] else default

    def environment(self) -> dict[str, str]:
        found = dict(word.split("=", 1) for line in self.all("Environment") for word in shlex.split(line))
        for line in self.all("EnvironmentFile"):
            path = Path(line.removeprefix("-"))
            if path.exists() or not line.startswith("-"):
                found |= dict(word.split("=", 1) for word in shlex.split(path.read_text(), comments=True))
        return found


class Service:
    """One service that is to run."""

    def __init__(self, name: str, unit: Unit, home: Path, haste: float) -> None:
        self.name, self.unit, self.home, self.haste = name, unit, home, haste
        self.state = "activating"
        self.starts = 0
        self.code: int | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> bool:
        """Whether it has started, which of `notify` it says itself."""
        self._thread.start()
        self._started.wait(60)
        return self.state == "active"

    def stop(self) -> None:
        self._stopping.set()
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(float(self.unit.one("TimeoutStopSec", "90")))
        self.kill()

    def kill(self) -> None:
        """End it as a power cut does."""
        self._stopping.set()
        if self.process is not None:
            kill_all(family(self.process.pid))
            self.process.wait()
        self._thread.join(10)

    def _run(self) -> None:
        prevented = {int(code) for code in self.unit.one("RestartPreventExitStatus").split()}
        while not self._stopping.is_set():
            self.code = self._once()
            if self.unit.one("Type") == "oneshot" and self.code == 0:
                break  # it stays active, by RemainAfterExit
            again = self.unit.one("Restart") == "always" and self.code not in prevented
            self.state = "activating" if again else "failed"
            self._started.set()
            if not again or self._stopping.wait(float(self.unit.one("RestartSec", "0.1")) / self.haste):
                break

    def _once(self) -> int:
        with self._notifications() as (path, heard):
            environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "NOTIFY_SOCKET": path}
            watchdog = float(self.unit.one("WatchdogSec", "0")) / self.haste
            if watchdog:
                environment["WATCHDOG_USEC"] = str(int(watchdog * 1e6))
            with (self.home / f"{self.name}.log").open("ab") as log:
                try:
                    self.process = subprocess.Popen(
                        shlex.split(self.unit.one("ExecStart")),
                        cwd=self.unit.one("WorkingDirectory"),
                        env=environment | self.unit.environment(),
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                    )
                except OSError:
                    return 203
            self.starts += 1
            kind = self.unit.one("Type")
            if kind == "exec":
                self._begun()
            last = time.monotonic()
            while self.process.poll() is None:
                if kind == "oneshot" or self._stopping.is_set():
                    time.sleep(0.01)
                    continue
                said = heard()
                if "READY=1" in said:
                    self._begun()
                    last = time.monotonic()
                if "WATCHDOG=1" in said:
                    last = time.monotonic()
                if watchdog and self.state == "active" and time.monotonic() - last > watchdog:
                    self.process.send_signal(signal.SIGABRT)
                    self.process.wait()
            if kind == "oneshot" and self.process.returncode == 0:
                self._begun()
            return self.process.returncode

    def _begun(self) -> None:
        self.state = "active"
        self._started.set()

    @contextmanager
    def _notifications(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """Where services say how they are, and what they have said since it was asked last."""
        with TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as way:
            path = Path(folder, "notify")  # names of sockets have to be short
            way.bind(str(path))
            way.settimeout(0.02)

            def heard() -> str:
                with suppress(TimeoutError):
                    return way.recv(4096).decode()
                return ""

            yield str(path), heard


class Supervisor:
    """All services of a host whose user has this home folder; `programs` is where its `systemctl` lies."""

    def __init__(self, folder: Path, haste: float = 1.0) -> None:
        self.home = folder / "home"
        self.programs = folder / "programs"
        self.units = self.home / ".config" / "systemd" / "user"
        self.haste = haste
        self.services: dict[str, Service] = {}
        self.programs.mkdir(parents=True)
        (self.programs / "systemctl").write_text(CLIENT.format(python=sys.executable, path=str(folder / "bus")))
        (self.programs / "loginctl").write_text("#!/bin/sh\n")
        (self.programs / "journalctl").write_text(
            f'#!/bin/sh\ntail -n 1 "{self.home}/$3.log"\n'  # journalctl --user --unit NAME …
        )
        for program in self.programs.iterdir():
            program.chmod(0o755)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / "bus"))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def boot(self) -> None:
        """Begin, as at the start of the machine."""
        for link in sorted((self.units / "default.target.wants").iterdir()):
            self._start(link.name)

    def power_off(self) -> None:
        """Everything is gone, at once."""
        for service in self.services.values():
            service.kill()
        self.services.clear()

    def close(self) -> None:
        self.power_off()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                way, _ = self._listener.accept()
            except OSError:
                return
            with way:
                words = json.loads(way.makefile().read())
                try:
                    answer = (0, self._do(words[1], [word for word in words[2:] if word.endswith(".service")]))
                except RuntimeError as error:
                    answer = (1, f"{error}\n")
                way.sendall(json.dumps(answer).encode())

    def _do(self, verb: str, names: list[str]) -> str:
        said = ""
        if verb == "list-units":
            running = [name for name, service in self.services.items() if service.state == "active"]
            said = "".join(f"{name} loaded active running RingRift\n" for name in running)
        for name in names:
            match verb:
                case "enable":
                    (self.units / "default.target.wants").mkdir(exist_ok=True)
                    with suppress(FileExistsError):
                        (self.units / "default.target.wants" / name).symlink_to(self.units / name)
                case "disable":
                    (self.units / "default.target.wants" / name).unlink(missing_ok=True)
                    self._stop(name)
                case "start":
                    self._start(name)
                case "restart":
                    self._stop(name)
                    self._start(name)
                case "is-active":
                    said += f"{self.services[name].state if name in self.services else 'inactive'}\n"
        return said

    def _start(self, name: str) -> None:
        if name in self.services and self.services[name].state == "active":
            return
        self._stop(name)
        unit = Unit(self.units, name, self.home)
        for needed in unit.one("Requires").split():
            self._start(needed)
        service = self.services[name] = Service(name, unit, self.home, self.haste)
        if not service.start():
            raise RuntimeError(f"Job for {name} failed with exit code {service.code}.")

    def _stop(self, name: str) -> None:
        if name in self.services:
            self.services.pop(name).stop()
