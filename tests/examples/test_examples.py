"""The examples run, in small."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import matplotlib
import pytest

pytestmark = pytest.mark.slow

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


def test_the_notebook_holds_what_its_cells_print(capsys: pytest.CaptureFixture[str]) -> None:
    """Run them in order; the line that begins with % is for Jupyter alone."""
    notebook = json.loads((EXAMPLES / "first_steps.ipynb").read_text())
    namespace: dict[str, object] = {}
    matplotlib.use("Agg")
    for cell in (cell for cell in notebook["cells"] if cell["cell_type"] == "code"):
        source = "".join(line for line in cell["source"] if not line.startswith("%"))
        exec(source, namespace)
        kept = "".join("".join(output.get("text", "")) for output in cell["outputs"])
        assert capsys.readouterr().out == kept
    assert any("image/png" in output.get("data", {}) for output in notebook["cells"][-2]["outputs"])
