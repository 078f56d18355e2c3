"""`make loop` with an Airflow of its own, interrupted."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.airflow.conftest import kill_all_jobs
from tests.processes import alive
from tests.system.standalone import DAG, Standalone

pytestmark = pytest.mark.xdist_group("airflow")


@pytest.fixture
def standalone(tmp_path: Path) -> Iterator[Standalone]:
    """An Airflow that is not started, where a training takes long."""
    found = Standalone(tmp_path)
    found.place.answer(train={"seconds": 300})
    yield found
    found.down()
    kill_all_jobs(found.place.home)


@pytest.fixture
def command(standalone: Standalone, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """What `make loop` runs."""
    environment = {"RINGRIFT_AIRFLOW_PORT": str(standalone.port)}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    with (tmp_path / "told").open("wb") as told:
        process = standalone.within(
            lambda: subprocess.Popen(
                [sys.executable, "-m", "ringrift_airflow.local", "loop"],
                env=os.environ | environment,
                stdout=told,
                stderr=subprocess.STDOUT,
            )
        )
    yield process
    process.kill()
    process.wait()


def runs(standalone: Standalone) -> dict[str, str]:
    """The states of the runs of the loop, by their kind."""
    with sqlite3.connect(standalone.deployment.folder / "airflow.db") as database:
        return dict(database.execute("SELECT run_type, state FROM dag_run WHERE dag_id = ?", [DAG]).fetchall())


def test_ctrl_c_ends_the_turn_with_its_jobs(
    standalone: Standalone, command: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    standalone.wait(standalone.log_file.exists)
    job = standalone.process_of("train", 1)
    command.send_signal(signal.SIGINT)
    assert command.wait(timeout=300) == 130  # Airflow may stand still for a while: each request waits for 90 s
    assert not alive(job)
    assert runs(standalone) == {"manual": "failed"}, "there is no run of the schedule"
    assert standalone.deployment.running() is None
    assert "Stopping Airflow" in (tmp_path / "told").read_text()
