"""The terminal of a session, or a pipe."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ringrift.console import console, echo

WIDTH_OF_A_PIPE: Final = 100


class Terminal:
    """A terminal: standard input and output."""

    def __init__(self) -> None:
        self.interactive = sys.stdin.isatty() and sys.stdout.isatty()
        if self.interactive:
            import readline  # noqa: F401  # lets `input` edit lines and remember them

    @property
    def width(self) -> int:
        """The characters in a line."""
        return shutil.get_terminal_size().columns if self.interactive else WIDTH_OF_A_PIPE

    def say(self, text: str) -> None:
        """Show lines."""
        echo(text)

    def ask(self, prompt: str) -> str | None:
        """A line that has been typed; None at the end of the input. From a pipe it is shown, as a terminal does."""
        if self.interactive:
            try:
                return input(prompt).strip()
            except EOFError:
                echo()
                return None
        line = sys.stdin.readline()
        if not line:
            return None
        echo(f"{prompt}{line.strip()}")
        return line.strip()

    @contextmanager
    def waiting(self, who: str | None) -> Iterator[None]:
        """Show which agent is thinking, on a terminal; None: none is."""
        if who is None or not self.interactive:
            yield
            return
        from rich.markup import escape

        with console(err=True).status(f"{escape(who)} is thinking"):
            yield
