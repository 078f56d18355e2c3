"""`ringrift preflight` as people run it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ringrift.cli import app
from tests.cli.processes import complaint, ringrift


def test_a_training_without_anything_is_not_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # short names, which the table does not wrap
    words = ["preflight", "square8_2p", "--database", "games.db", "--datasets", "none", "--runs", "run"]
    done = ringrift(*words)
    assert done.returncode == 1, done.stderr
    assert "there is no games database" in done.stdout
    assert "NOT READY to train: games database, data set" in done.stdout
    machine = CliRunner().invoke(app, [*words, "--preset", "smoke", "--set", "batch=32", "--json"])
    assert machine.exit_code == 1
    found = json.loads(machine.stdout)
    assert found["ready"] is False
    assert {"name", "verdict", "measured", "limit"} == set(found["checks"][0])


def test_what_does_not_exist_is_one_line() -> None:
    assert "unknown config 'square9_2p'" in complaint("preflight", "square9_2p")
    assert "unknown architecture 'v9'" in complaint("preflight", "square8_2p", "--set", "network=v9")
