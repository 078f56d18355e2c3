"""Airflow is found by its processes, and never taken for another one."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from ringrift.errors import Busy
from ringrift.settings import BadSettings
from ringrift_airflow.local.__main__ import main
from ringrift_airflow.local.processes import processes_of
from ringrift_airflow.local.standalone import NotStarted, StandaloneAirflow, without_proxy
from tests.processes import alive, wait_for

CHILD = "import time; print('ready', flush=True); time.sleep(600)"
FIRST = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD!r}])"
Starter = Callable[..., subprocess.Popen[bytes]]


class FakeApi:
    """An API server that knows the health of Airflow and nothing else."""

    def __init__(self) -> None:
        names = ("metadatabase", "scheduler", "triggerer", "dag_processor")
        self.health: dict[str, Any] = {name: {"status": "healthy"} for name in names}
        health = self.health

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(health).encode())

            def log_message(self, *words: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port


@pytest.fixture
def api() -> Iterator[FakeApi]:
    found = FakeApi()
    thread = threading.Thread(target=found.server.serve_forever)
    thread.start()
    yield found
    found.server.shutdown()
    thread.join()
    found.server.server_close()


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module that is started in place of Airflow's components, and leaves a line in `starts`."""
    source = f"open({str(folder / 'starts')!r}, 'a').write('started\\n')\nimport time\ntime.sleep(600)\n"
    (folder / "stand_in.py").write_text(source)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return "stand_in"


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


def test_a_process_belongs_to_its_airflow_from_the_moment_it_is_started(tmp_path: Path) -> None:
    for _ in range(100):  # right after its start, in some of them, it has no environment yet
        with subprocess.Popen(["sleep", "600"], env={"AIRFLOW_HOME": str(tmp_path)}, start_new_session=True) as first:
            belongs = processes_of(first.pid, tmp_path)
            first.kill()
        assert [process.pid for process in belongs] == [first.pid]


def test_a_number_that_was_given_to_others_harms_nobody(tmp_path: Path, start: Starter) -> None:
    others = start(tmp_path / "others")
    (tmp_path / "standalone.pid").write_text(f"{others.pid}\n")
    deployment = StandaloneAirflow(tmp_path, 1)
    assert deployment.running() is None
    assert not deployment.down()
    assert others.poll() is None


def test_an_airflow_with_another_preset_says_so(
    tmp_path: Path, start: Starter, monkeypatch: pytest.MonkeyPatch, api: FakeApi
) -> None:
    start(tmp_path, RINGRIFT_LOOP_PRESET="laptop")
    airflow = StandaloneAirflow(tmp_path, api.port)
    monkeypatch.setenv("RINGRIFT_LOOP_PRESET", "smoke")
    with pytest.raises(NotStarted, match="runs with preset laptop, not smoke: `make down` stops it"):
        airflow.up()
    for agreed in ("laptop", ""):
        monkeypatch.setenv("RINGRIFT_LOOP_PRESET", agreed)
        assert not airflow.up()


def test_an_airflow_without_schedules_is_left_to_its_iteration_which_ends(tmp_path: Path, start: Starter) -> None:
    start(tmp_path, AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE="False")
    with pytest.raises(Busy, match="runs for a `make loop`, without schedules"):
        StandaloneAirflow(tmp_path, 1).up()


def test_a_second_make_loop_says_that_it_may_be_tried_again_later(
    tmp_path: Path, start: Starter, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start(tmp_path, AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE="False")
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("RINGRIFT_LOOP_PRESET", "quick")
    assert main(["loop"]) == 75
    said = capsys.readouterr()
    assert (said.out, len(said.err.splitlines())) == ("", 1)
    assert said.err.startswith("error: Airflow runs for a `make loop`")


def test_of_many_that_start_it_at_the_same_time_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: FakeApi
) -> None:
    folder = tmp_path / "airflow"
    monkeypatch.setattr("ringrift_airflow.local.standalone.FIRST_PROCESS", stand_in(tmp_path, monkeypatch))
    monkeypatch.setattr(StandaloneAirflow, "_check_port", lambda self: None)  # that of the API which this file plays
    all_of_them = [StandaloneAirflow(folder, api.port) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        started = list(pool.map(lambda one: one.up(tell=lambda line: None), all_of_them))
    assert sorted(started) == [False] * 7 + [True]
    wait_for((tmp_path / "starts").exists)
    assert all_of_them[started.index(True)].down()
    assert len((tmp_path / "starts").read_text().splitlines()) == 1


def test_a_start_tells_what_it_waits_for_and_is_given_up_when_nothing_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: FakeApi
) -> None:
    monkeypatch.setattr("ringrift_airflow.local.standalone.FIRST_PROCESS", stand_in(tmp_path, monkeypatch))
    monkeypatch.setattr(StandaloneAirflow, "_check_port", lambda self: None)
    monkeypatch.setattr("ringrift_airflow.local.standalone.TELL", 0.0)
    monkeypatch.setattr("ringrift_airflow.local.standalone.STILL", 2.0)
    api.health["scheduler"] = {"status": None}
    told: list[str] = []
    airflow = StandaloneAirflow(tmp_path / "airflow", api.port)
    with pytest.raises(NotStarted, match=r"does not work after \d+ s \(missing: scheduler\); its log is .*/standalone"):
        airflow.up(told.append)
    assert any(line.startswith("Waiting for Airflow's scheduler, ") for line in told)
    assert airflow.running() is None


def test_an_airflow_whose_scheduler_is_sick_is_not_called_running(
    tmp_path: Path, start: Starter, monkeypatch: pytest.MonkeyPatch, api: FakeApi
) -> None:
    first = start(tmp_path)
    monkeypatch.setattr("ringrift_airflow.local.standalone.STILL", 1.0)
    api.health["scheduler"] = {"status": "unhealthy"}
    with pytest.raises(NotStarted, match=r"missing: scheduler.*`make down` stops it"):
        StandaloneAirflow(tmp_path, api.port).up()
    assert first.poll() is None, "it is not ours to stop"


def test_its_own_requests_pass_by_the_proxy_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: FakeApi
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "example.org")
    airflow = StandaloneAirflow(tmp_path, api.port)
    assert airflow.unhealthy() == []
    environment = airflow.environment
    assert environment["no_proxy"] == "example.org,localhost,127.0.0.1"
    assert environment["NO_PROXY"] == "localhost,127.0.0.1"
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with httpx.Client() as client:  # as Airflow's workers ask its API server
        assert client.get(f"{airflow.url}/api/v2/monitor/health").json() == api.health


def test_no_proxy_at_all_stays_so() -> None:
    assert without_proxy({"NO_PROXY": "*"})["NO_PROXY"] == "*"


def test_it_answers_this_machine_alone_unless_told_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert StandaloneAirflow(tmp_path, 1).environment["AIRFLOW__API__HOST"] == "127.0.0.1"
    monkeypatch.setenv("RINGRIFT_AIRFLOW_HOST", "0.0.0.0")
    assert StandaloneAirflow(tmp_path, 1).environment["AIRFLOW__API__HOST"] == "0.0.0.0"


@pytest.mark.parametrize("port", ["", "0", "65536", "http", "-1", "9" * 5000])
def test_a_port_that_is_none_is_one_line(port: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGRIFT_AIRFLOW_PORT", port)
    if not port:
        assert StandaloneAirflow(tmp_path).port == 8080
        return
    with pytest.raises(BadSettings, match=r"^RINGRIFT_AIRFLOW_PORT: '.{1,20}' is no port"):
        StandaloneAirflow(tmp_path)


def test_a_tilde_in_its_folder_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AIRFLOW_HOME", "~/airflow")
    assert StandaloneAirflow(port=1).folder == tmp_path / "airflow"


def test_what_is_secret_is_for_the_owner_alone_and_the_password_is_never_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: FakeApi
) -> None:
    monkeypatch.setattr("ringrift_airflow.local.standalone.FIRST_PROCESS", stand_in(tmp_path, monkeypatch))
    monkeypatch.setattr(StandaloneAirflow, "_check_port", lambda self: None)
    told: list[str] = []
    airflow = StandaloneAirflow(tmp_path / "airflow", api.port)
    airflow.up(told.append)
    wait_for((tmp_path / "starts").exists)
    airflow.down()
    assert airflow.folder.stat().st_mode & 0o777 == 0o700
    for name in ("airflow.db", "passwords.json", "standalone.log"):
        assert (airflow.folder / name).stat().st_mode & 0o777 == 0o600, name
    assert (tmp_path / "starts").stat().st_mode & 0o777 == 0o600, "what its processes make is so, too"
    assert airflow.password() not in "".join([*told, airflow.how_to_look(), airflow.log.read_text()])
    assert str(airflow.folder / "passwords.json") in airflow.how_to_look()
