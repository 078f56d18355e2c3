"""The installation that `make` does: quiet when it goes well, and clear when it does not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "include" / "install.sh"
GOOD = """
until_second() { while [ "$(wc -l <ticks)" -lt "$1" ]; do /bin/sleep 0.02; done; }
echo "Collecting one"; echo "  Downloading one-1.0.whl"; echo "Collecting two"; echo "  Using cached two-1.0.whl"
until_second 11
mkdir -p .venv/lib/python3.11/site-packages/one-1.0.dist-info
echo "Installing collected packages: one, two"
until_second 21
"""
BAD = 'for line in $(seq 100); do echo "words of pip $line"; done; echo "ERROR: no matching distribution"; exit 1'


def install(folder: Path, pip: str, monkeypatch: pytest.MonkeyPatch) -> subprocess.CompletedProcess[str]:
    """Run the script with something that stands for pip, and with seconds that are short and counted in `ticks`."""
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\necho "asked: $*"\n{pip}\n')
    python.chmod(0o755)
    tools = folder / "tools"
    tools.mkdir()
    (folder / "ticks").touch()
    (tools / "sleep").write_text("#!/bin/sh\necho >>ticks\n/bin/sleep 0.15\n")
    (tools / "sleep").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=":")
    words = ["sh", str(SCRIPT), "airflow,learn"]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


def test_it_tells_how_far_it_is_and_keeps_the_words_of_pip_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = install(tmp_path, GOOD, monkeypatch)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert lines == ["10 s: 2 packages fetched", "20 s: 1 of 2 packages installed"]
    log = (tmp_path / ".venv" / "install.log").read_text()
    assert "--editable .[airflow,learn] --constraint constraints.txt" in log


def test_a_failure_shows_the_last_words_of_pip_and_where_all_of_them_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = install(tmp_path, BAD, monkeypatch)
    assert done.returncode == 1
    *said, last = done.stderr.splitlines()
    assert len(said) == 15
    assert said[-1] == "ERROR: no matching distribution"
    assert last == "error: the installation has failed; all that pip has said is in .venv/install.log"
