"""A real Airflow on one machine, for tests: started, driven over its REST API, looked into and stopped."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ringrift.settings import DEFAULTS
from tests.airflow.place import REPOSITORY, Place
from tests.airflow.tiny import change_settings
from tests.processes import family

DAG = "ringrift__square8_2p"
PATIENCE = 300
"""Seconds without a sign of progress: a machine that does other work, too, is slow, and no test is about that."""


class Driven:
    """An Airflow that does what people ask of it over the REST API."""

    place: Place
    api: Any
    log_file: Path
    """That tells most when something goes wrong."""

    def trigger(self, **conf: Any) -> str:
        run = self.api.post(f"/dags/{DAG}/dagRuns", {"logical_date": None, "conf": {"train_now": True} | conf})
        return str(run["dag_run_id"])

    def path(self, run: str) -> str:
        return f"/dags/{DAG}/dagRuns/{quote(run, safe='')}"

    def state(self, run: str) -> str:
        return str(self.api.get(self.path(run))["state"])

    def task_instances(self, run: str) -> list[dict[str, Any]]:
        return list(self.api.get(f"{self.path(run)}/taskInstances", limit=100, order_by="id")["task_instances"])

    def tasks(self, run: str) -> dict[str, str]:
        return {task["task_id"]: task["state"] for task in self.task_instances(run)}

    def mark(self, run: str, task: str, state: str) -> None:
        self.api.patch(f"{self.path(run)}/taskInstances/{task}", {"new_state": state})

    def clear(self, run: str, task: str) -> None:
        content = {
            "dry_run": False,
            "task_ids": [task],
            "dag_run_id": run,
            "include_downstream": True,
            "only_failed": False,
        }
        self.api.post(f"/dags/{DAG}/clearTaskInstances", content)

    def answer(self, run: str, task: str, option: str, number: int = 1) -> None:
        """Say yes or no to a try of a task that waits for a person, as late as a person would.

        An answer that comes before the scheduler knows that the try has ended looks to it like a task gone wrong.
        """
        ended = f"task_id='{task}', run_id='{run}', try_number={number},"
        told = "Received executor event with state success"
        self.wait(lambda: any(told in line and ended in line for line in self.log_file.read_text().splitlines()))
        self.api.patch(f"{self.path(run)}/taskInstances/{task}/-1/hitlDetails", {"chosen_options": [option]})

    def log(self, run: str, task: str, number: int = 1) -> str:
        """Nothing of a try that has not begun."""
        from ringrift_airflow.local.api_client import Refused

        try:
            return json.dumps(self.api.get(f"{self.path(run)}/taskInstances/{task}/logs/{number}"))
        except Refused:
            return ""

    def watched(self, run: str, task: str) -> None:
        """Wait until the triggerer watches the job of a task, and tells its log."""
        self.wait(lambda: self.tasks(run)[task] == "deferred" and f"{task}: step" in self.log(run, task))

    def wait(self, condition: Callable[[], Any], progress: Callable[[], Any] = lambda: None) -> Any:
        """Return what a condition returns, as soon as that is true.

        :param progress: something that changes while there is hope; patience begins anew with every change.
        """
        before, give_up = None, time.monotonic() + PATIENCE
        while not (found := condition()):
            if (now := progress()) != before:
                before, give_up = now, time.monotonic() + PATIENCE
            assert time.monotonic() < give_up, self.log_file.read_text()[-3000:]
            time.sleep(0.5)
        return found

    def progress(self, run: str) -> Any:
        """Return something that changes whenever a run gets ahead."""
        signs = ("task_id", "map_index", "state", "try_number")
        return [[task[sign] for sign in signs] for task in self.task_instances(run)]

    def reached(self, run: str, condition: Callable[[], Any]) -> Any:
        """Wait for something that comes in the course of a run, as long as it gets ahead."""
        return self.wait(condition, lambda: self.progress(run))

    def finished(self, run: str, state: str = "success") -> None:
        self.reached(run, lambda: self.state(run) in ("success", "failed"))
        assert self.state(run) == state, self.tasks(run)

    def scheduled_run(self) -> str:
        """Wait for the first run that the schedule has made."""
        (run,) = self.wait(lambda: self.api.get(f"/dags/{DAG}/dagRuns", run_type="scheduled")["dag_runs"])
        return str(run["dag_run_id"])

    def jobs(self, run: str, task: str) -> list[Path]:
        """The jobs that a task of a run has started."""
        words = re.sub(r"[^A-Za-z0-9._+-]", "-", f"{DAG}.{task}.{run}")
        return list((self.place.home / "data" / "jobs").glob(f"{words}.*"))

    def process_of(self, verb: str, number: int) -> int:
        """The process of a job, as soon as there have been so many calls."""
        calls = self.wait(lambda: self.place.calls(verb) if len(self.place.calls(verb)) >= number else None)
        return int(calls[number - 1]["pid"])


class Standalone(Driven):
    """The Airflow of a place. Its interval is a day that has ended some minutes ago, so that none ends in a test."""

    def __init__(self, folder: Path, *, approval: bool = False) -> None:
        """Make it, without starting it; with `approval` a person has a say in promotions from the beginning."""
        self.place = Place.make(folder)
        self.place.answer()
        self.day_ends = minutes_ago(10)
        config = folder / "config"
        shutil.copytree(DEFAULTS, config)
        self.settings = config / "loop.yaml"
        preset = {"every": daily(self.day_ends), "retry_seconds": 1, "approval.wanted": approval}
        change_settings(self.settings, {f"presets.smoke.{name}": value for name, value in preset.items()})
        self.port = free_port()
        sys.path.append(str(REPOSITORY / "plugins"))
        from ringrift_airflow.local.standalone import StandaloneAirflow

        before = dict(os.environ)
        changed = {
            "RINGRIFT_CONFIG_DIR": str(config),
            # Who watched its jobs before is given up sooner than after half a minute.
            "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "10",
        }
        os.environ.update(self.place.environment | changed)
        self.deployment = StandaloneAirflow(port=self.port)
        self._environment = dict(os.environ)
        os.environ.clear()
        os.environ.update(before)
        self.api = self.deployment.api()
        self.log_file = self.deployment.log

    def up(self) -> None:
        self.within(self.deployment.up)

    def down(self) -> None:
        self.within(self.deployment.down)

    def ask_people(self, wanted: bool) -> None:
        """Change the settings: whether people have a say in promotions; and wait until Airflow knows it."""
        change_settings(self.settings, {"presets.smoke.approval.wanted": wanted})
        self.api._ask("PUT", f"/parseDagFile/{self.api.get(f'/dags/{DAG}')['file_token']}")

        def known() -> bool:
            tasks = self.api.get(f"/dags/{DAG}/tasks")["tasks"]
            return any(task["task_id"] == "approve" for task in tasks) == wanted

        self.wait(known)

    def within(self, act: Callable[[], Any]) -> Any:
        """Do something with the environment of this Airflow."""
        before = dict(os.environ)
        os.environ.update(self._environment)
        try:
            return act()
        finally:
            os.environ.clear()
            os.environ.update(before)


def minutes_ago(minutes: int) -> datetime:
    return datetime.now(UTC) - timedelta(minutes=minutes)


def daily(moment: datetime) -> str:
    """Write the schedule of a DAG whose intervals are days that end at this time."""
    return f"{moment:%-M %-H} * * *"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


def tasks_of(first: int) -> list[int]:
    """The processes of Airflow in which tasks run: they lead a group of their own."""
    return [pid for pid in family(first)[1:] if _group(pid) == pid]


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None
