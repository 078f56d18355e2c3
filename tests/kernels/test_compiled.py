"""The cache of compiled kernels stands several processes that compile at once, and mixes nothing up."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from ringrift.kernels.compiled import PACKAGE, cache_folder, cache_root, imported_files, source_files

KERNEL = """
import numpy as np
from ringrift.kernels.compiled import compiled

@compiled
def kernel(values):
    return values[0] + 1

def check(name):
    assert kernel(np.array([41], name)) == 42, name
"""

VARIANTS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "float32", "float64"]

LOAD_ALL = """
import sys, kernel
for name in sys.argv[1:]:
    kernel.check(name)
hits = sum(kernel.kernel.stats.cache_hits.values())
assert hits == len(sys.argv) - 1, f"only {hits} variants were on disk"
"""

PLAY = """
import sys
from ringrift.game import Game
from ringrift.game.conformance import check_random_game
from ringrift.game.warmup import compile_board
for board in sys.argv[1:]:
    compile_board(board)
    print(check_random_game(Game(board, 3), seed=1))
"""


def start(script: str, *words: str, folder: Path) -> subprocess.Popen[bytes]:
    """A process with a cache of its own in that folder."""
    environment = os.environ | {"RINGRIFT_CACHE_DIR": str(folder / "cache"), "PYTHONPATH": str(folder)}
    return subprocess.Popen([sys.executable, "-c", script, *words], env=environment, stdout=subprocess.PIPE)


def outputs(processes: Iterable[subprocess.Popen[bytes]]) -> list[bytes]:
    """What the processes, running side by side, print; each has to succeed."""
    running = list(processes)
    printed = [process.communicate(timeout=150)[0] for process in running]
    assert [process.returncode for process in running] == [0] * len(running)
    return printed


def test_variants_that_are_compiled_at_once_are_all_kept(tmp_path: Path) -> None:
    (tmp_path / "kernel.py").write_text(KERNEL)
    compiling = "import sys, kernel; kernel.check(sys.argv[1])"
    outputs(start(compiling, name, folder=tmp_path) for name in VARIANTS)
    outputs([start(LOAD_ALL, *VARIANTS, folder=tmp_path)])


def test_boards_that_are_compiled_by_different_processes_run_side_by_side(tmp_path: Path) -> None:
    alone = outputs(start(PLAY, board, folder=tmp_path) for board in ("square8", "square19"))
    together = outputs([start(PLAY, "square8", "square19", folder=tmp_path)])
    assert together == [b"".join(alone)]
    assert together[0].count(b"Checked") == 2


def test_the_cache_of_a_kernel_depends_on_every_module_that_it_imports() -> None:
    search = PACKAGE / "search"
    assert {search / "tree.py", PACKAGE / "kernels" / "random.py"} <= imported_files(search / "gumbel.py")
    assert PACKAGE / "encoding" / "__init__.py" in imported_files(search / "evaluators.py")
    folders = {cache_folder(PACKAGE / name) for name in ("game/turn.py", "encoding/features.py", "search/gumbel.py")}
    assert len(folders) == 3
    assert cache_folder(PACKAGE / "game" / "lines.py") == cache_folder(PACKAGE / "game" / "turn.py")


def test_the_rules_are_compiled_anew_for_what_they_import_and_for_nothing_else() -> None:
    sources = source_files(PACKAGE / "game" / "turn.py")
    assert {PACKAGE / "game" / name for name in ("boards.py", "recovery.py", "types.py")} <= sources
    assert PACKAGE / "game" / "conformance.py" not in sources, "it calls the rules, and they do not call it"


def test_the_cache_folder_may_be_named_from_the_home_folder_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("RINGRIFT_CACHE_DIR", "~/compiled")
    assert cache_root() == tmp_path / "compiled"
    monkeypatch.setenv("RINGRIFT_CACHE_DIR", "~nobody-of-that-name/compiled")
    assert cache_root() == Path("~nobody-of-that-name/compiled")
