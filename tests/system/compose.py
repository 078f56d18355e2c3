"""What docker-compose.yaml runs, as processes of this machine: its commands, its environment, its health checks."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import yaml
from cryptography.fernet import Fernet

from tests.airflow.place import AIRFLOW, REPOSITORY, Place
from tests.processes import family, kill_all
from tests.system.postgresql import make_database, postgresql_server
from tests.system.standalone import Driven, free_port

PARTS = ("api-server", "scheduler", "dag-processor", "triggerer", "worker")


class Compose(Driven):
    """The services of the file that are Airflow's, of a place; PostgreSQL and Redis run already.

    :param postgres: the folder of its socket.
    :param redis: its port.
    """

    def __init__(self, folder: Path, postgres: str, redis: int, password: str, **environment: str) -> None:
        self.place = Place.make(folder)
        self.log_file = folder / "scheduler.log"
        self.services = yaml.safe_load((REPOSITORY / "docker-compose.yaml").read_text())["services"]
        self._folder = folder
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._port = free_port()
        given_passwords = folder / "given_passwords.json"
        given_passwords.write_text(json.dumps({"admin": password}))
        given_passwords.chmod(0o400)
        secret = {
            "RINGRIFT_FERNET_KEY": Fernet.generate_key().decode(),
            "RINGRIFT_JWT_SECRET": secrets.token_urlsafe(64),
            "RINGRIFT_LOOP_PRESET": "smoke",
            "RINGRIFT_POSTGRES_PASSWORD": password,
            "RINGRIFT_REDIS_PASSWORD": password,
        }
        self._here = {
            "/run/secrets/passwords": str(given_passwords),
            "/opt/airflow/passwords.json": str(folder / "passwords.json"),
            "@postgres/airflow": f"@/airflow?host={postgres}",
            "@postgres/ringrift": f"@/ringrift?host={postgres}",
            "@redis:6379": f"@localhost:{redis}",
            "localhost:8080": f"localhost:{self._port}",
            "api-server:8080": f"localhost:{self._port}",
        }
        given = {
            name: self._on_this_machine(_filled(str(value), secret))
            for name, value in self.services["worker"]["environment"].items()
        }
        self._metrics = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._metrics.bind(("127.0.0.1", 0))
        self._metrics.setblocking(False)
        # Containers have ports of their own.
        apart = {
            "AIRFLOW__API__PORT": str(self._port),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
            "AIRFLOW__METRICS__STATSD_PORT": str(self._metrics.getsockname()[1]),
            "HOSTNAME": socket.gethostname(),
            "PATH": f"{AIRFLOW.parent}:{os.environ['PATH']}",
        }
        self.environment = os.environ | self.place.environment | given | apart | environment
        sys.path.append(str(REPOSITORY / "plugins"))
        from ringrift_airflow.local.api_client import AirflowApi

        self.api = AirflowApi(f"http://localhost:{self._port}", "admin", password)

    def up(self, patience: float = 180) -> None:
        """Start all, and wait until all parts are healthy."""
        from ringrift_airflow.local.api_client import NoAnswer

        subprocess.run(self._command("migrate"), env=self.environment, check=True, capture_output=True, timeout=300)
        for part in PARTS:
            self.start(part)
        give_up = time.monotonic() + patience
        while True:
            try:
                health = self.api.health()
                if all(health[part]["status"] == "healthy" for part in ("scheduler", "triggerer", "dag_processor")):
                    return
            except NoAnswer:
                pass
            for part, process in self._processes.items():
                assert process.poll() is None, (self._folder / f"{part}.log").read_text()[-3000:]
            assert time.monotonic() < give_up
            time.sleep(0.3)

    def start(self, part: str) -> None:
        """Start one."""
        with (self._folder / f"{part}.log").open("ab") as log:
            self._processes[part] = subprocess.Popen(
                self._command(part),
                env=self.environment,
                cwd=self.place.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def shoot(self, part: str) -> None:
        """Kill one as if its container had died, with all of its processes."""
        kill_all(family(self._processes[part].pid))
        self._processes.pop(part).wait()

    def down(self) -> None:
        """Stop all."""
        for process in self._processes.values():
            process.terminate()
        give_up = time.monotonic() + 10
        for part in list(self._processes):
            try:
                self._processes[part].wait(timeout=max(0.0, give_up - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.shoot(part)
        self._metrics.close()

    def metrics(self) -> str:
        """What was sent for the StatsD exporter since this was asked last, as far as the socket has kept it."""
        found = []
        with contextlib.suppress(BlockingIOError):
            while True:
                found.append(self._metrics.recv(65536).decode())
        return "\n".join(found)

    def unhealthy(self) -> dict[str, str]:
        """What the health checks of the file find wrong, by service."""
        checks = {}
        for part in PARTS:
            kind, *words = self.services[part]["healthcheck"]["test"]
            if kind == "CMD-SHELL":
                words = ["sh", "-c", *words]
            words = [self._on_this_machine(word) for word in words]
            checks[part] = subprocess.Popen(
                words, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        said = {part: check.communicate(timeout=120)[0] for part, check in checks.items()}
        return {part: said[part] for part, check in checks.items() if check.returncode}

    def _command(self, part: str) -> list[str]:
        service = self.services[part]
        return [
            self._on_this_machine(word) for word in (*service.get("entrypoint", [str(AIRFLOW)]), *service["command"])
        ]

    def _on_this_machine(self, text: str) -> str:
        text = text.replace("$$", "$")
        for there, here in self._here.items():
            text = text.replace(there, here)
        return text


@contextmanager
def databases() -> Iterator[str]:
    """PostgreSQL with the databases and users that the file makes; the folder of its socket."""
    with postgresql_server() as url:
        socket_folder = url.partition("host=")[2]
        with psycopg.connect(url.replace("NAME", "postgres"), autocommit=True) as connection:
            connection.execute("CREATE ROLE airflow LOGIN SUPERUSER")
        for name in ("airflow", "ringrift"):
            make_database(url, name)
        yield socket_folder


@contextmanager
def redis_server(folder: Path, password: str) -> Iterator[int]:
    """Redis that keeps nothing; its port."""
    program = shutil.which("redis-server", path=f"{os.environ['PATH']}:/usr/sbin:/usr/bin")
    assert program, "there is no Redis on this machine: apt install redis-server"
    port = free_port()
    words = ["--port", str(port), "--requirepass", password, "--save", "", "--dir", str(folder), "--bind", "127.0.0.1"]
    process = subprocess.Popen([program, *words], stdout=subprocess.DEVNULL)
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


def _filled(text: str, values: dict[str, str]) -> str:
    """A text of the file with its variables, which have to be there unless it names another value."""

    def value(found: re.Match[str]) -> str:
        name, default = found.group(1), found.group(2)
        return values[name] if default is None else values.get(name, default)

    return re.sub(r"\$\{(\w+)(?::\?[^}]*|:-([^}]*))?\}", value, text)
