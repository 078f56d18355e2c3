"""Tests that share a service run in one process, however many there are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TESTS = """
import os
from pathlib import Path

import pytest

@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("group", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in ("one", "two")])
def test_who_runs_this(group, number):
    (Path(__file__).parent / f"{group}.{number}").write_text(str(os.getpid()))
"""


def test_tests_of_a_group_run_in_one_process(tmp_path: Path) -> None:
    (tmp_path / "test_groups.py").write_text(TESTS)
    (tmp_path / "pytest.ini").touch()
    words = ("-q", "-p", "no:cacheprovider", "-n", "2", "--dist", "loadgroup", "test_groups.py")
    done = subprocess.run([sys.executable, "-m", "pytest", *words], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for group in ("one", "two"):
        assert len({(tmp_path / f"{group}.{number}").read_text() for number in range(4)}) == 1
