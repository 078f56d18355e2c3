"""What commands say where a package of an extra is not installed."""

from __future__ import annotations

import subprocess
import sys

import pytest


def without(package: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command where a package cannot be imported."""
    program = (
        f"import sys; sys.modules[{package!r}] = None; from ringrift.cli import main; sys.argv[0] = 'ringrift'; main()"
    )
    return subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("package", "words"), [("cma", ("tune", "heuristic", "square8_2p")), ("uvicorn", ("web", "--port", "8765"))]
)
def test_it_is_one_line(package: str, words: tuple[str, ...]) -> None:
    done = without(package, *words)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(f"error: {package} is not installed; install it")
    assert done.stderr.count("\n") == 1


def test_a_module_of_our_own_that_is_missing_is_a_fault_and_no_advice() -> None:
    done = without("ringrift.web.serve", "web", "--port", "8765")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
