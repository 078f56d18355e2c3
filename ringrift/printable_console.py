"""Rich's console, on which nothing harmful is ever shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from ringrift.printable import printable

NAMES: Final = frozenset({"id", "identity", "model", "config", "host", "job"})
"""The headings of columns with names that people copy."""


class PrintableConsole(Console):
    """A console whose texts are made printable: first as they come in, so that they are measured right."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Make a text of a string with markup."""
        return super().render_str(printable(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Make segments of anything that can be shown.

        A table that is too wide is folded, not cut, and what names a thing stays in one piece, to be copied.
        """
        if isinstance(renderable, Table):
            for column in renderable.columns:
                column.overflow = "fold"
                column.no_wrap = column.no_wrap or column.header in NAMES
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)
