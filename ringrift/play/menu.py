"""The menu of legal actions: sorted, narrowed by what is typed, grouped where there are many."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

FEW: Final = 30
"""The number of actions that are listed one by one; more are grouped by kind, then row, then cell."""
SHOWN_CELLS: Final = 2

KINDS: Final = {
    "PR": "place rings: cell, number (s: onto a stack)",
    "SP": "skip the placement",
    "MS": "move a stack: from>to",
    "OC": "capture: from*captured>to",
    "CC": "capture on: from*captured>to",
    "SC": "skip the capture",
    "RS": "recovery slide of a marker: from>to",
    "SR": "skip the recovery",
    "EX": "pay for the recovery with the lowest ring of",
    "PL": "collapse a line",
    "LO": "collapse a longer line: all of it, which costs a ring, or a part",
    "EL": "pay with a ring or a cap of the stack",
    "TR": "claim a region",
    "ST": "skip the territory",
    "FE": "forced elimination of the cap of",
}
"""Headings by the start of a key, in the order of a turn; actions that are always forced have none."""


@dataclass(frozen=True)
class Item:
    """An item of the menu: one action, or a group of them."""

    label: str
    keys: tuple[str, ...]

    @property
    def kind(self) -> str:
        """The kind of action that the keys begin with."""
        return self.keys[0].split()[0]


def menu(keys: Sequence[str]) -> list[Item]:
    """Return the items to choose from: the actions if they are few, else groups, as fine as are still few."""
    ordered = sorted(keys, key=_sort_key)
    if len(keys) > FEW:
        for level in (2, 1, 0):
            groups: dict[str, list[str]] = {}
            for key in ordered:
                groups.setdefault(_stems(key)[level], []).append(key)
            if 1 < len(groups) <= FEW:
                return [
                    Item(short(group[0]) if len(group) == 1 else f"{stem}… ({len(group)})", tuple(group))
                    for stem, group in groups.items()
                ]
    return [Item(short(key), (key,)) for key in ordered]


def narrowed(keys: Sequence[str], text: str) -> list[str]:
    """Return the keys that contain every word of the text; a number in it has to match a whole one."""
    patterns = [_pattern(word) for word in text.split()]
    return [key for key in keys if all(pattern.search(key) for pattern in patterns)]


def _pattern(word: str) -> re.Pattern[str]:
    before = r"(?<![\d,-])" if re.match(r"-?\d", word) else ""
    after = r"(?!\d)" if word[-1].isdigit() else ""
    return re.compile(before + re.escape(word) + after, re.IGNORECASE)


def short(key: str) -> str:
    """Return a key with long lists of cells cut down: lines to their ends, regions to their first cells."""
    kind, _, rest = key.partition(" ")
    if kind in ("PL", "LO"):
        return f"{kind} " + "=".join(_ends(cells) for cells in rest.split("="))
    cells = rest.split(";")
    if len(cells) > SHOWN_CELLS:
        return f"{kind} {';'.join(cells[:SHOWN_CELLS])};… ({len(cells)} cells)"
    return key


def _ends(text: str) -> str:
    cells = text.split(";")
    return text if len(cells) == 1 else f"{cells[0]}…{cells[-1]}"


def _sort_key(key: str) -> tuple[int, list[int], str]:
    """Return the key of sorting: kind, then cells."""
    kind = key.split()[0]
    return list(KINDS).index(kind), [int(number) for number in re.findall(r"-?\d+", key)], key


def _stems(key: str) -> tuple[str, str, str]:
    """Return what a key begins with: its kind, with the first coordinate, with the cell."""
    kind, _, rest = key.partition(" ")
    cell = re.split(r"[ >*;=]", rest)[0]
    return f"{kind} ", f"{kind} {cell.split(',')[0]},", f"{kind} {cell} "


def menu_lines(items: Sequence[Item], width: int) -> list[str]:
    """Return the numbered items in columns, under a heading for each kind."""
    wide = max(len(item.label) for item in items)
    digits = len(str(len(items)))
    columns = max(1, width // (wide + digits + 5))
    lines = []
    for kind, numbered in groupby(enumerate(items, 1), key=lambda entry: entry[1].kind):
        lines.append(f"{kind}  {KINDS[kind]}")
        entries = [f"  {number:>{digits}}  {item.label:<{wide}} " for number, item in numbered]
        lines += ["".join(entries[first : first + columns]).rstrip() for first in range(0, len(entries), columns)]
    return lines
