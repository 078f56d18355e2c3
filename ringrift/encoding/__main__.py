"""Prints `docs/encoding.md`."""

from __future__ import annotations

from ringrift.encoding.document import document

if __name__ == "__main__":
    print(document(), end="")
