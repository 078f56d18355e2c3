"""Rendering of reports in a terminal: one module for the reports of each room, imported when one of them is shown."""

from __future__ import annotations

from collections.abc import Iterator
from functools import singledispatch
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType


@singledispatch
def render(report: object) -> Iterator[RenderableType]:
    """Yield what a report looks like on a rich console, part by part."""
    raise NotImplementedError(f"{type(report).__qualname__} has no picture in ringrift.cli.render")


def rendered(report: object) -> RenderableType:
    """Return what a report looks like, as one renderable."""
    from rich.console import Group

    import_module(f"{__name__}.{type(report).__module__.split('.')[1]}")
    return Group(*render(report))
