"""Print `docs/heuristic.md`."""

from __future__ import annotations

from ringrift.console import echo
from ringrift.heuristic.document import document

if __name__ == "__main__":
    echo(document(), end=False)
