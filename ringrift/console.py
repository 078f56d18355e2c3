"""The terminal: whatever is shown there goes through here, and so through `printable`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import typer

from ringrift.printable import one_line, printable

if TYPE_CHECKING:
    from rich.console import Console

WIDTH: Final = 170
"""Columns outside a terminal: a file or a pipe has none of its own, and 80 would break the tables."""


def echo(text: object = "", *, err: bool = False, end: bool = True) -> None:
    """Print a text and the end of a line to standard output, or to standard error."""
    typer.echo(printable(str(text)), err=err, nl=end)


def complain(complaint: str) -> None:
    """Print an error in one line to standard error."""
    echo(f"error: {one_line(complaint)}", err=True)


def echo_bytes(content: bytes) -> None:
    """Write to standard output what may be anything: as it is for a program, printable on a terminal."""
    if sys.stdout.isatty():
        echo(content.decode(errors="surrogateescape"), end=False)
    else:
        sys.stdout.buffer.write(content)


def console(*, err: bool = False) -> Console:
    """Return the console for tables and the like, as wide as the terminal."""
    from ringrift.printable_console import PrintableConsole  # late: rich is slow to import

    stream = sys.stderr if err else sys.stdout
    return PrintableConsole(stderr=err, width=None if stream.isatty() else WIDTH, highlight=False)
