"""Rich's console, on which nothing harmful is ever shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from ringrift.printable import printable


class PrintableConsole(Console):
    """A console whose texts are made printable: first as they come in, so that they are measured right."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Make a text of a string with markup."""
        return super().render_str(printable(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Make segments of anything that can be shown."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)
