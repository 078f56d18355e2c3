"""An Airflow of one machine, whose files are in `data/airflow/`: started, found again, and stopped.

The password of its user `admin` is made at the first start and stands there, readable by its owner alone.
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
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import psutil

import ringrift
from ringrift.errors import RingRiftError
from ringrift.pipeline.settings import loop_settings
from ringrift_airflow.local.api_client import AirflowApi, NoAnswer, Refused
from ringrift_airflow.local.processes import environment_of, living, processes_of
from ringrift_airflow.notifications.failure import absent_connection, connections_of
from ringrift_airflow.workspace import home

CHECKOUT: Final = Path(ringrift.__file__).parent.parent
USER: Final = "admin"
PRESET: Final = "RINGRIFT_LOOP_PRESET"
PATIENCE: Final = 120.0
"""Seconds for Airflow to start."""
LOCKED: Final = 10
"""Seconds that Airflow waits for a lock of SQLite: more than Python's 5, as writers wait for one another.

Its API server stands still for as long where a request that it logs meets a task's heartbeat, as each waits for the
other. Then both are tried again, but after half a minute a task would have given up.
"""
UNSCHEDULED: Final = {"AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False"}
"""Of the environment of an Airflow that begins no runs by itself: it would be stopped in the middle of them."""


class NotStarted(RingRiftError):
    """Airflow that does not start."""


class StandaloneAirflow:
    """The Airflow of a workspace: started once, found again by a file with the number of its process."""

    def __init__(self, folder: Path | None = None, port: int | None = None) -> None:
        self.folder = folder or Path(os.environ.get("AIRFLOW_HOME") or home() / "data" / "airflow")
        self.port = port or int(os.environ.get("RINGRIFT_AIRFLOW_PORT", "8080"))
        self.url = f"http://localhost:{self.port}"
        self._passwords = self.folder / "passwords.json"
        self._process = self.folder / "standalone.pid"
        self._child: subprocess.Popen[bytes] | None = None
        self.log = self.folder / "standalone.log"

    @property
    def environment(self) -> dict[str, str]:
        """What Airflow's commands need to find this deployment; what is set already stays."""
        return {
            "AIRFLOW_HOME": str(self.folder),
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
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(CHECKOUT / "plugins"),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self._passwords),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.folder.absolute()}/airflow.db?timeout={LOCKED}",
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "60",
            "RINGRIFT_HOME": str(home()),
            # Its parts are started by name.
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
        }

    def password(self) -> str:
        """The password of the user; made if there is none."""
        try:
            return str(json.loads(self._passwords.read_text())[USER])
        except (OSError, ValueError, KeyError):
            self.folder.mkdir(parents=True, exist_ok=True)
            made = secrets.token_urlsafe(12)
            self._passwords.touch(0o600)
            self._passwords.write_text(json.dumps({USER: made}))
            return made

    def api(self) -> AirflowApi:
        """The way to it."""
        return AirflowApi(self.url, USER, self.password())

    def running(self) -> int | None:
        """The number of its first process, and of the group that it leads, while any process of the group lives."""
        if self._child is not None:
            self._child.poll()  # who is a child of this process has to be reaped
        try:
            group = int(self._process.read_text())
        except (OSError, ValueError):
            return None
        return group if processes_of(group, self.folder) else None

    def up(self, tell: Callable[[str], None] = print, *, scheduled: bool = True) -> bool:
        """Start it and wait until it works; False if it was running. `NotStarted` says what stands in the way.

        :param scheduled: whether runs begin when the schedules say so, too, and not only when somebody triggers them.
        """
        if (group := self.running()) is not None:
            if first := self._first(group):
                _check_how_it_runs(environment_of(first))
                return False
            tell("Ending what is left of an Airflow whose first process has died")
            self.down()
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", self.port))
            except OSError:
                raise NotStarted(
                    f"port {self.port} is in use; choose another: RINGRIFT_AIRFLOW_PORT=8081 make up"
                ) from None
        self.password()
        tell("Starting Airflow")
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [_airflow(), "standalone"],
                env=self.environment | ({} if scheduled else UNSCHEDULED),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=home(),
            )
        self._child = process
        self._process.write_text(f"{process.pid}\n")
        try:
            self._wait_until_healthy(process)
        except BaseException:
            self.down()
            raise
        return True

    def down(self) -> bool:
        """Stop it, with all its processes; False if it was not running.

        Jobs of tasks that wait in the triggerer run on, and are found again at the next start.
        """
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
        """Where the web UI is, and who may enter."""
        return f"{self.url} as {USER} with the password {self.password()}"

    def absent_connections(self) -> list[str]:
        """What has to be said of connections that notifiers need and Airflow does not know."""
        found = []
        for name, setting in connections_of(loop_settings().alerts).items():
            if f"AIRFLOW_CONN_{name.upper()}" not in self.environment:
                try:
                    self.api().get(f"/connections/{name}")
                except Refused:
                    found.append(absent_connection(name, setting))
        return found

    def _first(self, group: int) -> psutil.Process | None:
        """The first process, which has started all others of the group, if it lives."""
        return next((process for process in processes_of(group, self.folder) if process.pid == group), None)

    def _wait_until_healthy(self, process: subprocess.Popen[bytes]) -> None:
        give_up = time.monotonic() + PATIENCE
        api = AirflowApi(self.url, USER, self.password())
        while True:
            with contextlib.suppress(NoAnswer):
                health = api.health()
                parts = ("metadatabase", "scheduler", "triggerer", "dag_processor")
                if all(health.get(part, {}).get("status") == "healthy" for part in parts):
                    return
            if process.poll() is not None:
                raise NotStarted(f"Airflow has ended with code {process.returncode}; its log is {self.log}")
            if time.monotonic() > give_up:
                raise NotStarted(f"Airflow is not healthy after {PATIENCE:g} s; its log is {self.log}")
            time.sleep(0.3)


def _check_how_it_runs(environment: Mapping[str, str]) -> None:
    """Whether the Airflow that runs is the one that is wanted; `NotStarted` if its loops are others."""
    if UNSCHEDULED.items() <= environment.items():
        raise NotStarted("Airflow runs for a `make loop`, without schedules; wait for its end, or stop it: `make down`")
    wanted = os.environ.get(PRESET)
    runs_with = environment.get(PRESET) or loop_settings().preset
    if wanted and wanted != runs_with:
        raise NotStarted(
            f"Airflow runs with preset {runs_with}, not {wanted}: `make down` stops it; or say PRESET={runs_with}"
        )


def _airflow() -> str:
    """Airflow's command beside this Python."""
    beside = Path(sys.executable).with_name("airflow")
    return str(beside) if beside.exists() else "airflow"
