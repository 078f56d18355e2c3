"""An Airflow of one machine, whose files are in `data/airflow/`: its start, its stop, and what it needs.

It answers this machine alone unless `RINGRIFT_AIRFLOW_HOST` says otherwise. Its database, keys and the password of its
user `admin`, which is made at the first start, can be read by their owner alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import psutil

import ringrift
from ringrift.errors import Busy, RingRiftError
from ringrift.files import private_file, private_folder, take_lock
from ringrift.pipeline.settings import loop_settings
from ringrift.settings import BadSettings, folder_of
from ringrift_airflow.local.api_client import AirflowApi, Refused
from ringrift_airflow.local.processes import cpu_seconds, environment_of, living, processes_of
from ringrift_airflow.local.supervisor import LOG
from ringrift_airflow.notifications.failure import absent_connection, connections_of
from ringrift_airflow.workspace import home

CHECKOUT: Final = Path(ringrift.__file__).parent.parent
FIRST_PROCESS: Final = "ringrift_airflow.local.supervisor"
"""The module that runs in the first process, the parent of all others."""
USER: Final = "admin"
LOOPBACK: Final = "127.0.0.1"
PRESET: Final = "RINGRIFT_LOOP_PRESET"
STILL: Final = 120.0
"""Seconds without a sign of life after which a start is given up."""
PATIENCE: Final = 1800.0
"""Seconds after which a start is given up in any case."""
TELL: Final = 10.0
"""Seconds between two lines about a start that takes long."""
LOCKED: Final = 10
"""Seconds that Airflow waits for a lock of SQLite: more than Python's 5, as writers wait for one another.

Its API server stands still for as long where a request that it logs meets a task's heartbeat, as each waits for the
other. Then both are tried again, but after half a minute a task would have given up.
"""
UNSCHEDULED: Final = {"AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False"}
"""The environment of an Airflow that begins no runs by itself: it would be stopped in the middle of them."""


class NotStarted(RingRiftError):
    """Airflow that does not start."""


class OtherwiseEngaged(NotStarted, Busy):
    """Airflow that runs for another command, which will end."""


class StandaloneAirflow:
    """The Airflow of a workspace: started once, then recognised by a file with the id of its process."""

    def __init__(self, folder: Path | None = None, port: int | None = None) -> None:
        self.folder = folder or folder_of("AIRFLOW_HOME") or home() / "data" / "airflow"
        self.host = os.environ.get("RINGRIFT_AIRFLOW_HOST") or LOOPBACK
        self.port = port or _port(os.environ.get("RINGRIFT_AIRFLOW_PORT") or "8080")
        self.url = f"http://{'localhost' if self.host in (LOOPBACK, '0.0.0.0') else self.host}:{self.port}"
        self._passwords = self.folder / "passwords.json"
        self._process = self.folder / "standalone.pid"
        self._lock = self.folder / "standalone.lock"
        self._child: subprocess.Popen[bytes] | None = None
        self.log = self.folder / LOG

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which Airflow's commands find this deployment; variables that are set already stay."""
        return {
            "AIRFLOW__API__HOST": self.host,
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__CORE__AUTH_MANAGER": (
                "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
            ),
            "AIRFLOW__CORE__DAGS_FOLDER": str(CHECKOUT / "dags"),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": "8",
            # A task that has done its work and takes long to end is killed after that, and done again; by default 20.
            "AIRFLOW__CORE__TASK_SUCCESS_OVERTIME": "600",
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(CHECKOUT / "plugins"),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self._passwords),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.folder.absolute()}/airflow.db?timeout={LOCKED}",
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "60",
            # A slow machine, or one with other work, is no reason to give up: by default 30, 50 and 5 seconds.
            "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "300",
            "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "600",
            "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
            "AIRFLOW__LOGGING__LOGGING_CONFIG_CLASS": "ringrift_airflow.local.task_logs.LOGGING_CONFIG",
            **os.environ,
            **without_proxy(os.environ),
            "AIRFLOW_HOME": str(self.folder),
            "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
            "PYTHONPATH": os.pathsep.join([str(CHECKOUT / "plugins"), *_python_path()]),
            "RINGRIFT_HOME": str(home()),
        }

    def password(self) -> str:
        """Return the password of the user; it is made if there is none."""
        try:
            return str(json.loads(self._passwords.read_text())[USER])
        except (OSError, ValueError, KeyError):
            password = secrets.token_urlsafe(12)
            private_file(self._passwords)
            self._passwords.write_text(json.dumps({USER: password}))
            return password

    def make_private(self) -> None:
        """Make the files that hold secrets readable by their owner alone, before Airflow makes them readable by all."""
        private_folder(self.folder)
        self.password()
        for name in ("airflow.db", self.log.name):
            private_file(self.folder / name)

    def api(self) -> AirflowApi:
        """Return a client of its REST API."""
        return AirflowApi(self.url, USER, self.password())

    def running(self) -> int | None:
        """Return the id of its first process, and of the group that it leads, while any process of the group lives."""
        if self._child is not None:
            self._child.poll()  # a child of this process has to be reaped
        try:
            group = int(self._process.read_text())
        except (OSError, ValueError):
            return None
        return group if processes_of(group, self.folder) else None

    def up(self, tell: Callable[[str], None] = print, *, scheduled: bool = True) -> bool:
        """Start it and wait until all of it works; False if it was running. `NotStarted` says what stands in the way.

        :param scheduled: whether runs begin when the schedules say so, too, and not only when a person triggers them.
        """
        with self._alone():
            started = self._start(tell, scheduled)
        try:
            self._wait_until_healthy(tell)
        except BaseException:
            if started:
                self.down()
            raise
        return started

    def down(self) -> bool:
        """Stop it, with all its processes; False if it was not running.

        Jobs of tasks that wait in the triggerer run on, and are watched again from the next start on.
        """
        with self._alone():
            return self._stop()

    def unhealthy(self) -> list[str]:
        """Return the components that do not work, in words; `["API server"]` if it does not answer."""
        return self.api().unhealthy()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from starting or stopping it meanwhile; they wait until it is done."""
        private_folder(self.folder)
        give_up = time.monotonic() + STILL
        while True:
            try:
                lock = take_lock(self._lock, self.folder, OtherwiseEngaged(f"{self.folder}: being started or stopped"))
                break
            except OtherwiseEngaged:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.1)
        try:
            yield
        finally:
            os.close(lock)

    def _start(self, tell: Callable[[str], None], scheduled: bool) -> bool:
        """Start its first process unless it lives already; return whether it was started."""
        if (group := self.running()) is not None:
            if first := self._first(group):
                _check_how_it_runs(environment_of(first))
                return False
            tell("Ending what is left of an Airflow whose first process has died")
            self._stop()
        self._check_port()
        self.make_private()
        tell("Starting Airflow")
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-m", FIRST_PROCESS],
                env=self.environment | ({} if scheduled else UNSCHEDULED),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=home(),
                umask=0o077,  # what it makes is for its owner alone; jobs have an umask of their own
            )
        self._process.write_text(f"{self._child.pid}\n")
        return True

    def _check_port(self) -> None:
        """Raise `NotStarted` if another program uses the port."""
        with socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                raise NotStarted(
                    f"port {self.port} of {self.host} cannot be had ({error.strerror}); choose another: "
                    "RINGRIFT_AIRFLOW_PORT=8081 make up"
                ) from None

    def _stop(self) -> bool:
        """End all of its processes, at last by SIGKILL; return whether there were any."""
        group = self.running()
        if group is None:
            return False
        # The first process passes the word on; workers that hear Ctrl-C themselves leave the scheduler waiting.
        gently = [(signal.SIGINT, 15.0)] if self._first(group) else []
        for sign, seconds in (*gently, (signal.SIGTERM, 5.0), (signal.SIGKILL, 10.0)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(group, sign) if sign is signal.SIGINT else os.killpg(group, sign)
            give_up = time.monotonic() + seconds
            while time.monotonic() < give_up:
                if not living(group):
                    if self._child is not None:
                        self._child.wait()
                    self._process.unlink(missing_ok=True)
                    return True
                time.sleep(0.1)
        raise NotStarted(f"Airflow (process group {group}) does not end")

    def how_to_look(self) -> str:
        """Return where the web UI is, and the user to log in as; never the password itself, as this line is logged."""
        return f"{self.url} as {USER}; the password is in {self._passwords}"

    def absent_connections(self) -> list[str]:
        """Return a warning for each connection that notifiers need and Airflow lacks."""
        warnings = []
        for name, setting in connections_of(loop_settings().alerts).items():
            if f"AIRFLOW_CONN_{name.upper()}" not in self.environment:
                try:
                    self.api().get(f"/connections/{name}")
                except Refused:
                    warnings.append(absent_connection(name, setting))
        return warnings

    def _first(self, group: int) -> psutil.Process | None:
        """Return the first process, which has started all others of the group, if it lives."""
        return next((process for process in processes_of(group, self.folder) if process.pid == group), None)

    def _wait_until_healthy(self, tell: Callable[[str], None]) -> None:
        """Wait until all components work or nothing moves any more, and report what is missing."""
        began = moved = reported = time.monotonic()
        last: object = None
        while waits_for := self.unhealthy():
            group = self.running()
            if group is None:
                raise NotStarted(f"Airflow has ended; its log is {self.log}")
            now = time.monotonic()
            if (signs := (waits_for, self._log_size(), cpu_seconds(group))) != last:
                last, moved = signs, now
            missing = ", ".join(waits_for)
            if now - moved > STILL or now - began > PATIENCE:
                raise NotStarted(
                    f"Airflow does not work after {now - began:.0f} s (missing: {missing}); its log is {self.log}; "
                    "`make down` stops it"
                )
            if now - reported > TELL:
                reported = now
                tell(f"Waiting for Airflow's {missing}, {now - began:.0f} s so far")
            time.sleep(0.3)

    def _log_size(self) -> int:
        try:
            return self.log.stat().st_size
        except FileNotFoundError:
            return 0


def _check_how_it_runs(environment: Mapping[str, str]) -> None:
    """Raise `NotStarted` if the Airflow that runs has no schedules or another preset than the one wanted."""
    if UNSCHEDULED.items() <= environment.items():
        raise OtherwiseEngaged(
            "Airflow runs for a `make loop`, without schedules; wait for its end, or stop it: `make down`"
        )
    wanted = os.environ.get(PRESET)
    runs_with = environment.get(PRESET) or loop_settings().preset
    if wanted and wanted != runs_with:
        raise NotStarted(
            f"Airflow runs with preset {runs_with}, not {wanted}: `make down` stops it; or say PRESET={runs_with}"
        )


def without_proxy(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that keep proxies from coming between the parts of an Airflow on one machine."""
    changed = {}
    for name in ("NO_PROXY", "no_proxy"):
        hosts = [host for host in environment.get(name, "").split(",") if host]
        changed[name] = "*" if "*" in hosts else ",".join([*hosts, "localhost", LOOPBACK])
    return changed


def _port(text: str) -> int:
    """Read the number of a port; `BadSettings`."""
    if not text.isdecimal() or not 0 < int(text[:6]) < 1 << 16:
        raise BadSettings(f"RINGRIFT_AIRFLOW_PORT: {text[:20]!r} is no port: it should be a number from 1 to 65535")
    return int(text)


def _python_path() -> list[str]:
    return [str(Path(folder).absolute()) for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder]
