"""Answers that are cached for some seconds, so that many open pages cost the database no more than one."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Final, Generic, TypeVar

T = TypeVar("T")
MOST: Final = 64
"""Answers that are kept at once."""


class Remembered(Generic[T]):
    """A cache of answers by question; each is computed by one thread at a time, and again when it is too old."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._answers: OrderedDict[Hashable, tuple[float, T]] = OrderedDict()
        self._lock = Lock()

    def get(self, question: Hashable, work: Callable[[], T]) -> T:
        """Return the answer to a question, computed anew if it is older than allowed."""
        with self._lock:
            kept = self._answers.get(question)
            if kept is not None and time.monotonic() - kept[0] < self._seconds:
                return kept[1]
            answer = work()
            self._answers[question] = (time.monotonic(), answer)
            self._answers.move_to_end(question)
            while len(self._answers) > MOST:
                self._answers.popitem(last=False)
            return answer
