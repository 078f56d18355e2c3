"""The command line: `ringrift …`, one file per group of commands, no logic.

The groups import the rules inside their commands, so that `ringrift --help` does not wait for numba.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Annotated

import typer

from ringrift import __version__
from ringrift.cli import (
    analyse,
    bench,
    dataset,
    evaluate,
    game,
    games,
    halt,
    hosts,
    ladder,
    loop,
    match,
    models,
    play,
    preflight,
    promote,
    selfplay,
    sync,
    tournament,
    train,
)
from ringrift.cli.interrupts import INTERRUPTED, stems_from_interrupt
from ringrift.errors import Busy, RingRiftError

__all__ = ["app", "main"]

WRONG_USE, BUSY = 2, 75
"""The exit codes of errors: another try would say the same, or may go well (`EX_TEMPFAIL` of sysexits.h)."""

# Plain tracebacks: the pretty ones print local variables, and a local variable may hold a secret.
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(game.app, name="game")
app.command()(play.play)
app.command()(match.match)
app.command()(selfplay.selfplay)
app.command()(analyse.analyse)
app.command()(ladder.ladder)
app.command()(evaluate.evaluate)
app.command()(evaluate.rate)
app.command()(tournament.tournament)
app.add_typer(games.app, name="games")
app.add_typer(dataset.app, name="dataset")
app.command()(preflight.preflight)
app.command()(train.train)
app.add_typer(models.app, name="models")
app.command()(promote.promote)
app.add_typer(hosts.app, name="hosts")
app.command()(sync.sync)
app.command()(sync.distribute)
app.command()(loop.loop)
app.command()(loop.status)
app.command()(halt.halt)
app.command()(halt.resume)
app.add_typer(bench.app, name="bench")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ringrift {__version__}")
        raise typer.Exit


@app.callback()
def _ringrift(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """RingRift: a strategy board game for two to four players, and the pipeline that trains its players."""


def main() -> None:
    """Run the command line; an error that RingRift explains itself is one line and exit code 2, or 75: it may pass."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without UTF-8 gets question marks, not a traceback
    try:
        try:
            app()  # leaves through SystemExit, also on Ctrl-C (130)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except BrokenPipeError:
        # The reader is gone, as in `ringrift … | head`. What Python flushes on its way out goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except SystemError as error:
        if not stems_from_interrupt(error):
            raise
        sys.exit(INTERRUPTED)
    except RingRiftError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(BUSY if isinstance(error, Busy) else WRONG_USE)
