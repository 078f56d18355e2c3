"""What commands print their tables on."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final

import typer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

WIDTH: Final = 170
"""Columns where nobody looks: a file or a pipe has none of its own, and 80 would break the tables."""


def paper() -> Console:
    """The standard output, as wide as the terminal."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)


def show_found(found: RenderableType, machine: Any, as_json: bool) -> None:
    """Print what was found for people, or as JSON."""
    if as_json:
        typer.echo(json.dumps(machine))
    else:
        paper().print(found)


def show_report(report: Any, as_json: bool) -> None:
    """Print a report, which has a `to_json`, as tables or as JSON."""
    show_found(report, report.to_json(), as_json)
