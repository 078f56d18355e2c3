"""Heavy commands ask the guard: without room nothing begins, and the exit code is 75."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.processes import RINGRIFT

FULL = "{warn: 0.0001, stop: 0.0001, enough_gb: 0}"


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ("disk", ("selfplay", "square8_2p", "--players", "random", "--games", "1")),
        ("memory", ("selfplay", "square8_2p", "--players", "random", "--games", "1")),
        ("disk", ("games", "ingest", ".", "--database", "games.db")),
        ("disk", ("tournament", "square8_2p", "--games", "2", "--database", "games.db")),
        ("disk", ("train", "square8_2p", "--preset", "smoke")),
        ("disk", ("tune", "heuristic", "square8_2p")),
        ("disk", ("loop", "square8_2p", "--preset", "smoke", "--database", "games.db")),
    ],
)
def test_nothing_begins_without_room(tmp_path: Path, limit: str, words: tuple[str, ...]) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "resources.yaml").write_text(f"{limit}: {FULL}\nmemory_wait_seconds: 0\n")
    environment = os.environ | {"RINGRIFT_CONFIG_DIR": str(tmp_path / "config")}
    done = subprocess.run(
        [RINGRIFT, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 75, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert f"(resources.yaml: {limit}" in line
    assert not list(tmp_path.rglob("*.jsonl*"))
