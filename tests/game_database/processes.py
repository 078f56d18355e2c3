"""Ingest in processes of its own, to be run side by side and killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

INGEST = """
import sys
from pathlib import Path
from ringrift.game_database import GamesDatabase, ingest
from tests.contexts import ingest_context
print("ready", flush=True)
with GamesDatabase(sys.argv[1], create=True) as database:
    ingest(database, [Path(sys.argv[2])], ingest_context(), threads=1)
"""


def start_ingest(database: str, folder: Path, **options: Any) -> subprocess.Popen[str]:
    """Start to ingest a folder; returns when the process has loaded its modules and is about to begin."""
    words = [sys.executable, "-c", INGEST, database, str(folder)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def finish(process: subprocess.Popen[str]) -> None:
    """Wait until an ingest has ended well."""
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
