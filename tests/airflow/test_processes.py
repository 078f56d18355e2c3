"""Airflow is found by its processes, and never taken for another one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringrift_airflow.local.processes import processes_of
from ringrift_airflow.local.standalone import NotStarted, StandaloneAirflow
from tests.processes import alive

CHILD = "import time; print('ready', flush=True); time.sleep(600)"
FIRST = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD!r}])"
Starter = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start() -> Iterator[Starter]:
    """Start a process with a child, both in a group of their own, as if it were Airflow's first one."""
    started = []

    def begin(home: Path, **environment: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", FIRST],
            env=os.environ | {"AIRFLOW_HOME": str(home)} | environment,
            start_new_session=True,
            stdout=subprocess.PIPE,
        )
        started.append(process)
        assert process.stdout and process.stdout.readline() == b"ready\n"
        home.mkdir(exist_ok=True)
        (home / "standalone.pid").write_text(f"{process.pid}\n")
        return process

    yield begin
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_the_group_is_airflow_while_any_of_its_processes_lives(tmp_path: Path, start: Starter) -> None:
    first = start(tmp_path)
    deployment = StandaloneAirflow(tmp_path, 1)
    assert deployment.running() == first.pid
    assert len(processes_of(first.pid, tmp_path)) == 2
    first.kill()
    first.wait()
    (left,) = processes_of(first.pid, tmp_path)
    assert deployment.running() == first.pid
    assert deployment.down()
    assert not alive(left.pid)
    assert deployment.running() is None
    assert not deployment.down()


def test_a_number_that_was_given_to_others_harms_nobody(tmp_path: Path, start: Starter) -> None:
    others = start(tmp_path / "others")
    (tmp_path / "standalone.pid").write_text(f"{others.pid}\n")
    deployment = StandaloneAirflow(tmp_path, 1)
    assert deployment.running() is None
    assert not deployment.down()
    assert others.poll() is None


def test_an_airflow_with_another_preset_says_so(
    tmp_path: Path, start: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(tmp_path, RINGRIFT_LOOP_PRESET="laptop")
    deployment = StandaloneAirflow(tmp_path, 1)
    monkeypatch.setenv("RINGRIFT_LOOP_PRESET", "smoke")
    with pytest.raises(NotStarted, match="runs with preset laptop, not smoke: `make down` stops it"):
        deployment.up()
    for agreed in ("laptop", ""):
        monkeypatch.setenv("RINGRIFT_LOOP_PRESET", agreed)
        assert not deployment.up()


def test_an_airflow_without_schedules_is_left_to_its_turn(tmp_path: Path, start: Starter) -> None:
    start(tmp_path, AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE="False")
    with pytest.raises(NotStarted, match="runs for a `make loop`, without schedules"):
        StandaloneAirflow(tmp_path, 1).up()
