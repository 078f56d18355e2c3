"""The examples run, in small."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


def test_minimal_alphazero_plays_learns_and_measures(capsys: pytest.CaptureFixture[str]) -> None:
    main = runpy.run_path(str(EXAMPLES / "minimal_alphazero.py"))["main"]
    main(["--iterations", "1", "--games", "2", "--simulations", "4", "--steps", "2", "--match", "2"])
    printed = capsys.readouterr().out
    assert printed.startswith("iteration 0: ")
    assert "against random" in printed
    assert "against heuristic" in printed


def test_minimal_alphazero_is_one_page() -> None:
    assert len((EXAMPLES / "minimal_alphazero.py").read_text().splitlines()) <= 150
