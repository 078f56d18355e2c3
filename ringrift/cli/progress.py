"""The progress of a command: a bar in a terminal, and a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import Final, TypeVar

from ringrift.console import console, echo
from ringrift.run_context import Progress

FIRST_LINE: Final = 3.0
"""Seconds until the first line; the next one takes twice as long, and so on."""
LONGEST_SILENCE: Final = 120.0
"""Seconds between two lines at most."""

Item = TypeVar("Item")


@contextmanager
def progress() -> Iterator[Progress]:
    """Yield a function that reports progress on the standard error; it adds rate and time left."""
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as ProgressBar

    watched = sys.stderr.isatty()
    pace, silence = _Pace(), _Silence()
    shown = ProgressBar(
        BarColumn(bar_width=12),
        TextColumn("{task.description}", markup=False),
        console=console(err=True),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),  # what goes to a file or a pipe must not end on the terminal
        disable=not watched,
    )
    with shown:
        bar = shown.add_task("starting", total=None)

        def report(work: str, done: float, total: float | None, detail: str = "") -> None:
            words = pace.words(work, done, total, detail)
            if watched:
                shown.update(bar, description=words, completed=done, total=total)
            elif silence.is_over():
                echo(words, err=True)

        yield report


def tracked(items: Iterable[Item], title: str, total: int | None = None) -> Iterator[Item]:
    """The items, with progress; `total` is how many there are, unless they have a length."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    with progress() as report:
        report(title, 0, total)
        for count, item in enumerate(items, 1):
            yield item
            report(title, count, total)


class _Pace:
    """The rate of the work at hand, counted from its first report: it may go on where it once stopped."""

    def __init__(self) -> None:
        self._work: tuple[str, float | None] = ("", None)
        self._began = self._first = self._last = 0.0

    def words(self, title: str, done: float, total: float | None, more: str) -> str:
        now = time.monotonic()
        if (title, total) != self._work or done < self._last:  # something else, or the same over again
            self._work, self._began, self._first = (title, total), now, done
        self._last = done
        rate = (done - self._first) / max(now - self._began, 1e-9)
        if total == 1:
            words = [f"{done:.0%}"]
        else:
            words = [f"{done:,.0f}" + ("" if total is None else f" of {total:,.0f}")]
            words += [f"{rate:,.{0 if rate >= 100 else 2}f}/s"] if rate else []
        words += [f"about {_duration((total - done) / rate)} left"] if rate and total is not None else []
        words += [more] if more else []  # last, for a narrow terminal leaves out the end
        return f"{title}: {', '.join(words)}"


class _Silence:
    """A time without a line, and after it a longer one."""

    def __init__(self) -> None:
        self._length = FIRST_LINE
        self._since = time.monotonic()

    def is_over(self) -> bool:
        """Whether it is time for a line; if so, the next silence begins."""
        now = time.monotonic()
        if now - self._since < self._length:
            return False
        self._since, self._length = now, min(2 * self._length, LONGEST_SILENCE)
        return True


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
