"""A program that kills exports at every step that they take on the disk, and looks at what is left each time.

`python -m tests.datasets.killing DATABASE FOLDER`: prints how often it has killed. It forks while it has no threads,
so that the compiled rules are loaded once.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ringrift.datasets import export, open_dataset
from ringrift.game_database import GamesDatabase
from ringrift.run_context import no_progress
from tests.contexts import export_context
from tests.datasets.games import everything, settings

NAME = "square8_2p"
OLD = settings(shard=1500, encoder="v1")
NEW = settings(shard=1500)
STEPS = ("fsync", "replace", "unlink", "symlink")


def run(database: str, folder: Path, chosen: Any) -> None:
    with GamesDatabase(database) as opened:
        export(opened, NAME, export_context(chosen), folder=folder, threads=1)


def killed_at(step: int, database: str, folder: Path) -> bool:
    """Export in a process that kills itself right before that step; whether it came to that."""
    child = os.fork()
    if child == 0:
        left = step

        def watched(real: Callable[..., Any]) -> Callable[..., Any]:
            def call(*arguments: Any, **named: Any) -> Any:
                nonlocal left
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left -= 1
                return real(*arguments, **named)

            return call

        for name in STEPS:
            setattr(os, name, watched(getattr(os, name)))
        run(database, folder, NEW)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status == 0:
        return False
    assert os.WTERMSIG(status) == signal.SIGKILL, "it failed"
    return True


def main(database: str, folder: Path) -> None:
    old, new = folder / "old", folder / "new"
    run(database, old, OLD)
    run(database, new, NEW)
    expected = everything(new)
    encoders = set()
    step = 0
    while True:
        place = folder / str(step)
        shutil.copytree(old, place, symlinks=True)
        killed = killed_at(step, database, place)
        for name in (NAME, f"{NAME}.holdout"):
            dataset = open_dataset(place / name)
            dataset.verify(no_progress)
            encoders.add(dataset.manifest.encoder)
        if killed:
            run(database, place, NEW)
        assert everything(place) == expected, f"killed at step {step}, something is left, or missing"
        shutil.rmtree(place)
        if not killed:
            break
        step += 1
    assert encoders == {"v1", "v2"}
    print(step)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
