"""What commands say on a disk that nobody can write, as a file system becomes after an error of its hardware."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringrift.game_database import GamesDatabase
from ringrift.pipeline.halt import FILE, halt, halted
from tests.cli.processes import RINGRIFT

pytestmark = pytest.mark.system


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A folder that holds a loop, halted, and a games database, and is read-only."""
    folder = tmp_path / "home"
    halt("the disk is dying", folder)
    GamesDatabase(str(folder / "data" / "games" / "ringrift.db"), create=True).close()
    if os.geteuid():
        folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
        for path in folders:
            path.chmod(0o555)
        yield folder
        for path in folders:
            path.chmod(0o755)
        return
    for words in (("--bind", folder, folder), ("-o", "remount,bind,ro", folder)):
        if subprocess.run(["mount", *words], capture_output=True, check=False).returncode:
            pytest.skip("root writes through modes, and may not mount here")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("resume", "halt.json"),
        ("selfplay square8_2p --games 1", "data/selfplay"),
        ("games list", "ringrift.db"),
        ("games ingest data/selfplay", "ringrift.db"),
        ("dataset export square8_2p", "ringrift.db"),
        ("status", "ringrift.db"),
        ("loop square8_2p --iterations 1", "ringrift.db"),
    ],
)
def test_it_is_one_line_that_names_the_file(home: Path, command: str, named: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "RINGRIFT_HOME"}
    done = subprocess.run(
        [RINGRIFT, *command.split()], cwd=home, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert named in done.stderr
    assert "read-only" in done.stderr.lower() or "permission denied" in done.stderr.lower()
    assert (home / FILE).is_file()
    assert halted(home) is not None
