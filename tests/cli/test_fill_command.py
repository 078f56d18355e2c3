"""`ringrift fill` on this machine, and what it leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ringrift.cli import app
from ringrift.resources.pace import PLAN, read_plan
from tests.cli.processes import RINGRIFT, complaint
from tests.processes import alive, family, wait_for


@pytest.mark.parametrize("options", [(), ("--from-zero",)])
def test_its_processes_play_from_zero_as_it_does(options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr("subprocess.Popen", lambda words, **_: started.append(words))
    monkeypatch.setattr("ringrift.resources.fill.fill", lambda config, weight, start, *_, **__: start(0, 1.0, 0))
    done = CliRunner().invoke(app, ["fill", "hex8_2p", *options])
    assert done.exit_code == 0, done.output
    (words,) = started
    assert ("--from-zero" in words) == bool(options)


@pytest.mark.slow
def test_it_plays_decides_and_ends_with_all_its_processes(tmp_path: Path) -> None:
    home = {"RINGRIFT_HOME": str(tmp_path), "RINGRIFT_BUSY_SECONDS": "0"}
    with subprocess.Popen(
        [RINGRIFT, "fill", "square8_2p", "--from-zero", "--host", "here", "--worker", "w"],
        env=os.environ | home,
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            wait_for(lambda: read_plan(tmp_path / PLAN), 300)
            wait_for(lambda: (tmp_path / "data" / "selfplay" / "square8_2p" / "here" / "w-0").exists(), 300)
            processes = family(process.pid)
            assert len(processes) > 1
            process.send_signal(signal.SIGTERM)
            process.wait(120)
        finally:
            process.kill()
    assert process.returncode == 128 + signal.SIGTERM
    wait_for(lambda: not any(map(alive, processes)))
    assert json.loads((tmp_path / PLAN).read_text())["why"]


def test_what_it_is_to_play_has_to_be_known() -> None:
    assert "unknown config 'square8'" in complaint("fill", "square8")
