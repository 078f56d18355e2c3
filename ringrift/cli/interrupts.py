"""Ctrl-C, and SIGTERM, with which service managers end a process."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType
from typing import Final

from ringrift.console import echo

INTERRUPTED: Final = 130
"""The exit code after Ctrl-C."""


class Interruption(Event):
    """The event that is set when work is to stop where it can."""

    exit_code = INTERRUPTED
    """The exit code of the process then: 128 and the number of the signal."""
    requested = False
    """Whether a signal has come, a moment before the event is set."""


@contextmanager
def stop_on_interrupt() -> Iterator[Interruption]:
    """Yield an event that the first Ctrl-C or SIGTERM sets, so that work stops where it can.

    A second Ctrl-C raises `KeyboardInterrupt`.
    """
    stop = Interruption()

    def handle(number: int, _: FrameType | None) -> None:
        if stop.requested:
            if number == signal.SIGINT:
                raise KeyboardInterrupt
            return  # a second signal may come while the first one holds the event's lock below
        stop.requested = True
        stop.exit_code = 128 + number
        echo("stopping; press Ctrl-C again to stop at once", err=True)
        stop.set()

    signals = (signal.SIGINT, signal.SIGTERM)
    previous = [signal.signal(number, handle) for number in signals]
    try:
        yield stop
    finally:
        for number, handler in zip(signals, previous, strict=True):
            signal.signal(number, handler)


def stems_from_interrupt(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind an error: numba makes a `SystemError` of it while it hands a result to Python."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None
