"""Airflow is imported once, into a home of its own, and may warn as it likes."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import warnings
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.airflow.place import REPOSITORY, Place

os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="ringrift-airflow-")  # of this process alone
os.environ.setdefault("AIRFLOW__CORE__PLUGINS_FOLDER", str(REPOSITORY / "plugins"))
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
sys.path.append(str(REPOSITORY / "plugins"))
with warnings.catch_warnings():
    warnings.simplefilter("ignore")

    import ringrift_airflow.operators.ringrift  # noqa: F401
    import ringrift_airflow.sensors.games_threshold  # noqa: F401


class Store(dict[str, Any]):
    """The store of a task, which outlives its tries."""

    def set(self, key: str, value: Any) -> None:
        self[key] = value

    def delete(self, key: str) -> None:
        self.pop(key, None)


class Tries:
    """Tries of one task: what Airflow would hand to each."""

    def __init__(self, **params: Any) -> None:
        self.store = Store()
        self.params = params
        self.run_type = "scheduled"
        self.number = 1
        self.conf: dict[str, Any] = {}
        self.xcoms: dict[str, Any] = {}
        self.under_way = 0
        self.counts: list[int] = []
        """What the next questions for tasks under way are answered; `under_way` afterwards."""
        self.states: dict[tuple[str, str], str | None] = {}
        self.first_look: Any = None
        self.outlets: Any = defaultdict(SimpleNamespace)

    def context(self) -> Any:
        ti = SimpleNamespace(
            dag_id="loop",
            task_id="task",
            run_id="scheduled__2026-01-01T00:00:00+00:00",
            map_index=-1,
            try_number=self.number,
            xcom_pull=lambda task_ids: self.xcoms.get(task_ids),
            xcom_push=lambda key, value: self.xcoms.update({key: value}),
            get_task_states=lambda dag_id, task_ids, run_ids: {
                run: {task: self.states[run, task] for task in task_ids if (run, task) in self.states}
                for run in run_ids
            },
            get_ti_count=lambda **_: self.counts.pop(0) if self.counts else self.under_way,
            get_first_reschedule_date=lambda _: self.first_look,
        )
        return {
            "ti": ti,
            "run_id": ti.run_id,
            "task_state_store": self.store,
            "dag": SimpleNamespace(params={"games": 30, "train_now": False}),
            "dag_run": SimpleNamespace(run_type=self.run_type, conf=self.conf),
            "params": self.params,
            "outlet_events": self.outlets,
        }


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A place whose environment is that of this process."""
    found = Place.make(tmp_path)
    for name, value in found.environment.items():
        if name.startswith("RINGRIFT_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setattr("ringrift_airflow.triggers.resume.FIRST_EVENT", 0.0)
    monkeypatch.setattr("ringrift_airflow.operators.job.PATIENCE", 0.0)
    yield found
    kill_all_jobs(found.home)


def kill_all_jobs(home: Path) -> None:
    from ringrift.fleet import Job, LocalShell, State, kill_job, list_jobs

    async def end() -> None:
        root = str(home / "data" / "jobs")
        if not Path(root).is_dir():
            return
        for name, state in (await list_jobs(LocalShell(), root)).items():
            if state in (State.RUNNING, State.LOST):
                await kill_job(LocalShell(), Job(name, root), grace=0)

    asyncio.run(end())


@pytest.fixture
def tries() -> Tries:
    return Tries()
