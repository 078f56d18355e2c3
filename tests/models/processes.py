"""Changes of champions in processes of their own, to be run side by side and killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
from pathlib import Path
from ringrift.errors import RingRiftError
from ringrift.game_database import GamesDatabase
from ringrift.models import ModelStore, change_champion

what, database, folder, *names = sys.argv[1:]
with GamesDatabase(database) as opened:
    store = ModelStore(opened, Path(folder))
    models = [store.find(name) for name in names]
    champion = store.champion(models[0].config)
    expected = champion.id if champion else None
    print("ready", flush=True)
    sys.stdin.readline()
    change = dict(kind="promoted", forced=True, why="a test", verdict=None)
    if what == "promote":
        try:
            change_champion(store, models[0], expected=expected, **change)
            print("promoted:", names[0])
        except RingRiftError as error:
            print(f"{type(error).__name__}: {error}")
    else:
        for number in range(60):
            model = models[(number + 1) % 2]
            change_champion(store, model, expected=models[number % 2].id, **change)
        print("changed 60 times")
"""


def start(what: str, database: str, folder: Path, *models: str) -> subprocess.Popen[str]:
    """Start a process that has looked who is champion; `promote` waits for `finish`, `alternate` sets out."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, what, database, str(folder), *models],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    if what == "alternate":
        go(process)
    return process


def go(process: subprocess.Popen[str]) -> None:
    """Let a process set out."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def finish(process: subprocess.Popen[str]) -> str:
    """Wait until a process has ended well; what it has said last."""
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return output.strip()
