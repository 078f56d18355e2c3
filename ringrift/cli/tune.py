"""`ringrift tune`: the heuristic's weights, and the hyper-parameters of training."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True)


@app.callback()
def tune() -> None:
    """Tune the heuristic's weights, and the hyper-parameters of training."""
