"""`ringrift …` as people run it: a process with its output and exit code; and its complaints, without the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from ringrift.cli import app
from ringrift.errors import RingRiftError

RINGRIFT = Path(sys.executable).parent / "ringrift"


def ringrift(*words: str | Path, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command to its end; `typed` comes over a pipe."""
    return subprocess.run(
        [RINGRIFT, *map(str, words)], input=typed, capture_output=True, text=True, timeout=300, check=False
    )


def ringrift_on_a_full_disk(limit: int, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command that can write no file beyond `limit` bytes, which is how it meets a full disk."""
    # A process in between, because a fork of one in which other tests have started threads is not safe.
    before = f"import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))"
    return subprocess.run(
        [sys.executable, "-c", f"{before}; os.execv(sys.argv[1], sys.argv[1:])", RINGRIFT, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def complaint(*words: str | Path) -> str:
    """What a command finds wrong with its words: the one line that `main` prints before it exits with code 2."""
    error = CliRunner().invoke(app, [str(word) for word in words]).exception
    assert isinstance(error, RingRiftError), error
    assert "\n" not in str(error)
    return str(error)
