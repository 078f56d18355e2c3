"""Prints `docs/encoding.md`."""

from __future__ import annotations

from ringrift.console import echo
from ringrift.encoding.document import document

if __name__ == "__main__":
    echo(document(), end=False)
