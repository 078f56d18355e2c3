"""Health is yes, or no with the reasons, over HTTP, in the terminal and by exit codes."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import httpx
import pytest
from fastapi import FastAPI

from ringrift.monitoring import MonitoringInputs, health_report
from ringrift.monitoring.app import monitoring_router
from ringrift.monitoring.serve import MetricsServer, PortTaken
from ringrift.pipeline.halt import halt
from tests.cli.processes import RINGRIFT
from tests.monitoring.world import World


@contextmanager
def served(inputs: MonitoringInputs) -> Iterator[str]:
    with MetricsServer(inputs, "127.0.0.1", 0) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.url
        server.shutdown()


def ask(url: str, method: str = "GET") -> tuple[int, str, str]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=30) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read().decode()


def test_a_loop_that_runs_is_well(world: World) -> None:
    world.alive()
    report = health_report(world.inputs)
    assert report.healthy
    assert (report.hosts_active, report.hosts_configured) == (1, 1)


def test_a_loop_that_nobody_runs_is_not(world: World) -> None:
    assert health_report(world.inputs).reasons == (
        "the loop has not run here yet: `make up` or `ringrift loop` starts it",
    )
    world.alive()
    later = MonitoringInputs(world.home, world.inputs.database, clock=lambda: time.time() + 6000)
    (reason,) = health_report(later).reasons
    assert re.fullmatch(r"the loop does not run: the last sign of life, of airflow, is 10\d minutes old", reason)


def test_a_halt_is_no_illness_but_a_note(world: World) -> None:
    halt("lunch", world.home)
    report = health_report(world.inputs)
    assert report.healthy
    assert "halted" in report.notes[0]


def test_the_same_trouble_with_the_database_is_said_once(world: World) -> None:
    world.alive()
    (reason,) = health_report(MonitoringInputs(world.home, str(world.home / "gone.db"))).reasons
    assert reason.startswith(f"{world.home}/gone.db: there is no games database")


def test_no_active_host_is_a_reason(world: World) -> None:
    world.alive()
    world.write_hosts("gpu-1", "gpu-2")
    assert health_report(world.inputs).reasons == (
        "none of 2 hosts is active: `ringrift hosts check` says what is wrong with them",
    )


def test_http_says_it_by_status_and_content(world: World) -> None:
    with served(world.inputs) as url:
        status, kind, content = ask(f"{url}/health")
        assert (status, kind) == (503, "application/json")
        assert json.loads(content)["reasons"]
        world.alive()
        status, _, content = ask(f"{url}/health")
        assert (status, json.loads(content)["healthy"]) == (200, True)
        status, kind, content = ask(f"{url}/metrics")
        assert (status, kind.split(";")[0]) == (200, "text/plain")
        assert "ringrift_uptime_seconds" in content
        assert ask(f"{url}/metrics", "HEAD")[::2] == (200, "")
        assert ask(f"{url}/nothing")[0] == 404
        assert ask(f"{url}/")[0] == 200


def test_the_routes_for_web_applications_say_the_same(world: World) -> None:
    app = FastAPI()
    app.include_router(monitoring_router(world.inputs))

    async def get(path: str, **headers: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://here") as client:
            return await client.get(path, headers=headers)

    assert asyncio.run(get("/health")).status_code == 503
    world.alive()
    assert asyncio.run(get("/health")).json()["healthy"]
    answer = asyncio.run(get("/metrics", Accept="application/openmetrics-text"))
    assert answer.headers["content-type"].startswith("application/openmetrics-text")


def test_a_client_that_says_nothing_keeps_nobody_waiting(world: World) -> None:
    with served(world.inputs) as url:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))):
            assert ask(f"{url}/metrics")[0] == 200


def test_a_port_that_is_taken_is_said_in_a_line(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"127.0.0.1:{port}: cannot be listened at \(Address already in use\)"):
            MetricsServer(world.inputs, "127.0.0.1", port)
    with pytest.raises(PortTaken, match=r"no-such-host\.invalid:9090: cannot be listened at"):
        MetricsServer(world.inputs, "no-such-host.invalid", 9090)


@pytest.mark.slow
def test_the_commands_end_with_codes_that_say_it(world: World, tmp_path: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [RINGRIFT, *words], cwd=world.home, capture_output=True, text=True, timeout=120, check=False
        )

    found = run("health")
    assert found.returncode == 1
    assert "the loop has not run here yet" in found.stdout
    world.alive()
    found = run("health", "--json")
    assert (found.returncode, json.loads(found.stdout)["healthy"]) == (0, True)
    found = run("metrics", "write", str(tmp_path / "ringrift.prom"))
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")
    assert (tmp_path / "ringrift.prom").read_text().startswith("# HELP ringrift_uptime_seconds")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        found = run("metrics", "serve", "--port", str(taken.getsockname()[1]))
    assert found.returncode == 2
    assert found.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_server_ends_when_it_is_told_to(world: World) -> None:
    words = [RINGRIFT, "metrics", "serve", "--port", "0"]
    with subprocess.Popen(words, cwd=world.home, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert ask(process.stdout.readline().strip())[0] == 200
        for _ in range(3):  # as a service manager may, or Ctrl-C and a script that ends its children
            process.terminate()
        assert process.wait(timeout=60) == 0
