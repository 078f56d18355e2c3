"""`ringrift …` as people run it: a process with its output and exit code; and its complaints, without the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from ringrift.cli import app
from ringrift.game import RingRiftError

RINGRIFT = Path(sys.executable).parent / "ringrift"


def ringrift(*words: str | Path, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command to its end; `typed` comes over a pipe."""
    return subprocess.run(
        [RINGRIFT, *map(str, words)], input=typed, capture_output=True, text=True, timeout=300, check=False
    )


def complaint(*words: str | Path) -> str:
    """What a command finds wrong with its words: the one line that `main` prints before it exits with code 2."""
    error = CliRunner().invoke(app, [str(word) for word in words]).exception
    assert isinstance(error, RingRiftError), error
    assert "\n" not in str(error)
    return str(error)
