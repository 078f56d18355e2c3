"""Print `docs/heuristic.md`."""

from __future__ import annotations

from ringrift.heuristic.document import document

if __name__ == "__main__":
    print(document(), end="")
