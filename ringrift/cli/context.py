"""The context in which commands run their work: progress on the standard error, cancelled by Ctrl-C or SIGTERM."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import typer

from ringrift.cli.interrupts import Interruption, stop_on_interrupt
from ringrift.cli.progress import progress
from ringrift.console import echo
from ringrift.run_context import Cancelled, RunContext

SettingsT = TypeVar("SettingsT")


@contextmanager
def run_context(settings: SettingsT) -> Iterator[RunContext[SettingsT]]:
    """Yield a context with these settings; `Cancelled` work ends the command with the signal's exit code."""
    with stop_on_interrupt() as interruption, progress() as tell:
        try:
            yield RunContext(settings, tell, interruption)
        except Cancelled as cancelled:
            echo(str(cancelled), err=True)
            raise typer.Exit(interruption.exit_code) from None


def exit_if_cancelled(context: RunContext[object]) -> None:
    """End the command with the signal's exit code if its work was cut short."""
    if isinstance(context.cancellation, Interruption) and context.cancelled:
        raise typer.Exit(context.cancellation.exit_code)
