"""Components of Airflow that end are started anew, and all of them end with the process that started them."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringrift_airflow.local.supervisor import COMPONENTS, RESTARTS, Component, Supervisor, put_aside
from tests.processes import alive, wait_for

LASTING = "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); time.sleep(600)"
FAILING = "import sys; open(sys.argv[1], 'a').write('x\\n'); sys.exit(3)"


def component(name: str, source: str, notes: Path) -> Component:
    """A component that leaves a line in a file whenever it starts."""
    return Component(name, [sys.executable, "-c", source, str(notes)])


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    """Two components, watched by a thread."""
    components = [component(name, LASTING, tmp_path / name) for name in ("scheduler", "triggerer")]
    found = Supervisor(components, tmp_path / "standalone.log")
    thread = threading.Thread(target=found.run)
    thread.start()
    yield found
    found.stop()
    thread.join(timeout=30)
    assert not thread.is_alive()


def test_a_component_that_is_killed_is_started_anew_and_the_others_go_on(
    supervisor: Supervisor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wait_for(lambda: lines(tmp_path / "scheduler") and lines(tmp_path / "triggerer"))
    first = int(lines(tmp_path / "scheduler")[0])
    subprocess.run(["kill", "-9", str(first)], check=True)
    wait_for(lambda: len(lines(tmp_path / "scheduler")) == 2)
    assert alive(int(lines(tmp_path / "scheduler")[1]))
    assert len(lines(tmp_path / "triggerer")) == 1
    assert "scheduler has ended with code -9; it is started anew" in capsys.readouterr().out


def test_all_components_end_with_it(supervisor: Supervisor, tmp_path: Path) -> None:
    wait_for(lambda: lines(tmp_path / "scheduler") and lines(tmp_path / "triggerer"))
    processes = [int(lines(tmp_path / name)[0]) for name in ("scheduler", "triggerer")]
    supervisor.stop()
    wait_for(lambda: not any(map(alive, processes)))


def test_a_component_that_ends_again_and_again_ends_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    components = [component("scheduler", FAILING, tmp_path / "s"), component("triggerer", LASTING, tmp_path / "t")]
    found = Supervisor(components, tmp_path / "standalone.log")
    assert found.run() == 1
    assert len(lines(tmp_path / "s")) == RESTARTS + 1
    assert not alive(int(lines(tmp_path / "t")[0]))
    assert f"scheduler has ended {RESTARTS + 1} times" in capsys.readouterr().out


def test_no_component_serves_logs_to_the_network() -> None:
    words = {name: words for name, words in COMPONENTS.items() if name in ("scheduler", "triggerer")}
    assert all("--skip-serve-logs" in found for found in words.values())


def test_a_long_log_is_put_aside_and_those_who_write_to_it_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringrift_airflow.local.supervisor.LOG_BYTES", 10)
    log = tmp_path / "standalone.log"
    with log.open("ab", buffering=0) as file:
        file.write(b"short\n")
        put_aside(log)
        assert log.read_bytes() == b"short\n"
        file.write(b"and longer\n")
        put_aside(log)
        file.write(b"new\n")
    assert log.read_bytes() == b"new\n"
    assert (tmp_path / "standalone.log.1").read_bytes() == b"short\nand longer\n"
    put_aside(tmp_path / "none.log")
