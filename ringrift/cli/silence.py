"""When progress is told in lines, because nobody watches a bar."""

from __future__ import annotations

import time
from typing import Final

LONGEST_SILENCE: Final = 120.0
"""Seconds."""


class Silence:
    """A time without a line: `first` seconds, then twice as long each time, and at last `LONGEST_SILENCE`."""

    def __init__(self, first: float) -> None:
        self._length = first
        self._since = time.monotonic()

    def is_over(self) -> bool:
        """Whether it is time for a line; if so, the next silence begins."""
        now = time.monotonic()
        if now - self._since < self._length:
            return False
        self._since, self._length = now, min(2 * self._length, LONGEST_SILENCE)
        return True
