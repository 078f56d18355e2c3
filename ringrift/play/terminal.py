"""The terminal of a session, or a pipe."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Final

from ringrift.console import console, echo
from ringrift.game.boards import Board
from ringrift.game.diagram import draw
from ringrift.kernels.types import Record

WIDTH_OF_A_PIPE: Final = 120
COLOURS: Final = ("bold cyan", "bold yellow", "bold magenta", "bold green")
"""The colours of the players in the order of their seats; they differ for people who confuse red and green, too."""
PIECE: Final = re.compile(r"#?(?P<player>[a-d](?![a-z])|[A-D](?=\d))[\d/¹²³⁴⁵⁶⁷⁸⁹⁺]*")
"""A stack, a marker or a collapsed cell as it is drawn."""


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
        """Show lines, broken between words where they are too long, with what follows set in."""
        for line in text.splitlines() or [""]:
            indent = " " * (len(line) - len(line.lstrip()) + 2)
            parts = textwrap.wrap(
                *(line, self.width), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
            )
            echo("\n".join(parts) if len(line) > self.width else line)

    def show_board(self, board: Board, state: Record, marked: Collection[int] = ()) -> None:
        """Draw a position as wide as there is room, with a colour for each player where the terminal has them."""
        text = draw(board, state, marked, width=self.width)
        if not self.interactive:
            echo(f"\n{text}")
            return
        from rich.text import Text

        drawing = Text(f"\n{text}", no_wrap=True, overflow="ignore")
        grid = text.partition("\n\n")[0]
        for piece in PIECE.finditer(grid):
            drawing.stylize(COLOURS["abcd".index(piece["player"].lower())], piece.start() + 1, piece.end() + 1)
        console().print(drawing, soft_wrap=True)

    def ask(self, prompt: str) -> str | None:
        """Return a line of the input; None at its end. One from a pipe is echoed, as a terminal does."""
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
    def waiting(self, agent: str | None) -> Iterator[None]:
        """Show on a terminal that an agent is thinking, unless it is None."""
        if agent is None or not self.interactive:
            yield
            return
        from rich.markup import escape

        with console(err=True).status(f"{escape(agent)} is thinking"):
            yield
