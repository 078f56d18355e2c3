"""Whenever an export is killed, there is the old data set or the new one, and the next export leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.datasets.games import fill, searched_records

pytestmark = pytest.mark.slow


def test_an_export_may_be_killed_at_any_step(tmp_path: Path) -> None:
    fill(tmp_path / "games.db", searched_records(count=40, seed=9)).close()
    words = [sys.executable, "-m", "tests.datasets.killing", str(tmp_path / "games.db"), str(tmp_path / "work")]
    done = subprocess.run(words, check=False, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20, "steps at which it was killed"
