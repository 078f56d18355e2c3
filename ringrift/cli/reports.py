"""The output of commands, for people or as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ringrift.cli.render import rendered
from ringrift.console import console, echo

if TYPE_CHECKING:
    from rich.console import RenderableType


def show_output(output: RenderableType, machine: Any, as_json: bool) -> None:
    """Print a result for people, or as JSON."""
    if as_json:
        echo(json.dumps(machine))
    else:
        console().print(output)


def show_report(report: Any, as_json: bool) -> None:
    """Print a report, which has a `to_json`, as `render` draws it or as JSON."""
    show_output("" if as_json else rendered(report), report.to_json(), as_json)
