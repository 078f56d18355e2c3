"""Ctrl-C."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType
from typing import Final

import typer

INTERRUPTED: Final = 130
"""The exit code after Ctrl-C."""


@contextmanager
def stop_on_interrupt() -> Iterator[Event]:
    """An event that the first Ctrl-C sets, so that work stops where it can; the second raises `KeyboardInterrupt`."""
    stop = Event()

    def handle(_: int, __: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        typer.echo("stopping; press Ctrl-C again to stop at once", err=True)

    previous = signal.signal(signal.SIGINT, handle)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, previous)


def stems_from_interrupt(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind an error: numba makes a `SystemError` of it while it hands a result to Python."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None
