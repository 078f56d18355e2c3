"""Text from outside, made fit for a terminal or a log: the one place where that is done.

Names of files, records, models, hosts and what jobs print may hold characters that move the cursor, change colours,
ring the bell, type for the reader, or show words in another order than they stand in.
"""

from __future__ import annotations

import re
from typing import Final

_HARMFUL: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but for tab and line feed
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # the order of writing
    r"\u2028\u2029"  # ends of lines
    r"\ud800-\udfff]"  # what has no UTF-8, such as the other bytes in a file's name
)


def printable(text: str) -> str:
    r"""Return a text with its harmful characters as `\u001b`, so that JSON stays the same JSON."""
    return _HARMFUL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def one_line(text: str) -> str:
    r"""Return a text as of `printable`, with its ends of lines as `\u000a`, too."""
    return printable(text).replace("\n", "\\u000a")
