"""What commands print their tables on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console

WIDTH: Final = 170
"""Columns where nobody looks: a file or a pipe has none of its own, and 80 would break the tables."""


def paper() -> Console:
    """The standard output, as wide as the terminal."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)
