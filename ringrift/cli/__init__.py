"""The command line: `ringrift …`, one file per group of commands, no logic.

The groups import the rules inside their commands, so that `ringrift --help` does not wait for numba.
"""

from __future__ import annotations

import io
import os
import sys
from concurrent.futures import BrokenExecutor
from typing import Annotated

import typer

from ringrift.cli import (
    allocate,
    analyse,
    bench,
    clean,
    dataset,
    distil,
    evaluate,
    evaluations,
    fill,
    game,
    games,
    gate,
    halt,
    hard_positions,
    holdout,
    hosts,
    ladder,
    loop,
    match,
    metrics,
    models,
    play,
    preflight,
    promote,
    reanalyse,
    selfplay,
    sync,
    tournament,
    train,
    train_ebmo,
    train_nnue,
    tune,
    web,
)
from ringrift.cli.interrupts import INTERRUPTED, stems_from_interrupt
from ringrift.cli.log import complain, log_every_command, set_up_logging
from ringrift.console import echo
from ringrift.errors import BUSY, WRONG_USE, Busy, RingRiftError
from ringrift.files import with_home
from ringrift.printable import one_line

__all__ = ["app", "main", "one_line"]


# Plain tracebacks: the pretty ones print local variables, and a local variable may hold a secret.
app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
PLAY, DATA, LEARN = "Play", "Data", "Learn"
MEASURE, RUN, FLEET = "Measure and promote", "Run the loop", "Fleet"
"""The groups of `ringrift --help`."""

app.command(rich_help_panel=PLAY)(play.play)
app.command(rich_help_panel=PLAY)(match.match)
app.command(rich_help_panel=PLAY)(ladder.ladder)
app.command(rich_help_panel=PLAY)(analyse.analyse)
app.add_typer(game.app, name="game", rich_help_panel=PLAY)
app.command(rich_help_panel=DATA)(selfplay.selfplay)
app.command(rich_help_panel=DATA)(fill.fill)
app.add_typer(games.app, name="games", rich_help_panel=DATA)
app.add_typer(dataset.app, name="dataset", rich_help_panel=DATA)
app.command(rich_help_panel=LEARN)(preflight.preflight)
app.command(rich_help_panel=LEARN)(train.train)
app.command(rich_help_panel=LEARN)(reanalyse.reanalyse)
app.command(rich_help_panel=LEARN)(hard_positions.hard_positions)
app.command(rich_help_panel=LEARN)(train_nnue.train_nnue)
app.command(rich_help_panel=LEARN)(train_ebmo.train_ebmo)
app.command(rich_help_panel=LEARN)(distil.distil)
app.command(rich_help_panel=MEASURE)(train_nnue.gate_nnue)
app.add_typer(tune.app, name="tune", rich_help_panel=LEARN)
app.command(rich_help_panel=MEASURE)(evaluate.evaluate)
app.command(rich_help_panel=MEASURE)(evaluate.rate)
app.command(rich_help_panel=MEASURE)(tournament.tournament)
app.command(rich_help_panel=MEASURE)(holdout.holdout)
app.command(rich_help_panel=MEASURE)(gate.gate)
app.command(rich_help_panel=MEASURE)(promote.promote)
app.add_typer(evaluations.app, name="evaluations", rich_help_panel=MEASURE)
app.add_typer(models.app, name="models", rich_help_panel=MEASURE)
app.add_typer(bench.app, name="bench", rich_help_panel=MEASURE)
app.command(rich_help_panel=RUN)(loop.loop)
app.command(rich_help_panel=RUN)(loop.status)
app.command(rich_help_panel=RUN)(allocate.allocate)
app.command(rich_help_panel=RUN)(clean.clean)
app.command(rich_help_panel=RUN)(metrics.health)
app.add_typer(metrics.app, name="metrics", rich_help_panel=RUN)
app.command(rich_help_panel=RUN)(web.web)
app.command(rich_help_panel=RUN)(halt.halt)
app.command(rich_help_panel=RUN)(halt.resume)
app.add_typer(hosts.app, name="hosts", rich_help_panel=FLEET)
app.command(rich_help_panel=FLEET)(sync.sync)
app.command(rich_help_panel=FLEET)(sync.distribute)


log_every_command(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        from ringrift.version import code_version  # only here: it reads the whole package

        echo(f"ringrift {code_version()}")
        raise typer.Exit


@app.callback()
def _ringrift(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """RingRift: a strategy board game for two to four players, and the pipeline that trains its players."""


def _with_home_folder(word: str) -> str:
    """Return a word with the home folder in place of a `~` after `--option=`, where shells leave it as it is."""
    option, equals, value = word.partition("=")
    return f"{option}={with_home(value)}" if equals and option.startswith("--") and value.startswith("~") else word


def main() -> None:  # noqa: C901 - a branch per kind of error
    """Run the command line; an error that RingRift explains itself is one line and exit code 2, or 75: it may pass."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without UTF-8 gets question marks, not a traceback
    set_up_logging()
    try:
        try:
            code = app([_with_home_folder(word) for word in sys.argv[1:]], standalone_mode=False)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
        sys.exit(code)  # of typer.Exit, and 130 on Ctrl-C
    except typer.TyperException as error:
        if message := error.format_message():  # nothing where the help has been printed instead
            context = getattr(error, "ctx", None)
            complain(message.rstrip(".") + (f"; see {context.command_path} --help" if context else ""))
        sys.exit(WRONG_USE)
    except typer.Abort as error:
        # Typer makes this of every EOFError, also of one that is a fault of ours: that must not end in silence.
        raise error.__cause__ or error from None
    except BrokenPipeError:
        # The reader is gone, as in `ringrift … | head`. What Python flushes on its way out goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except SystemError as error:
        if not stems_from_interrupt(error):
            raise
        sys.exit(INTERRUPTED)
    except OSError as error:  # a full disk, a missing permission: the system says what is wrong, and where
        complain(f"{error.filename or 'a file'}: {error.strerror or error}")
        sys.exit(WRONG_USE)
    except BrokenExecutor:
        complain("a process that did a part of the work was killed; is there enough memory?")
        sys.exit(WRONG_USE)
    except MemoryError as error:
        complain(f"there is not enough memory ({error})" if str(error) else "there is not enough memory")
        sys.exit(WRONG_USE)
    except ModuleNotFoundError as error:  # of an extra that is not installed; what is missing of our own is a fault
        if not error.name or error.name.split(".")[0] == "ringrift":
            raise
        complain(f"{error.name} is not installed; install it, or the extra that brings it: 'ringrift[learn,fleet,web]'")
        sys.exit(WRONG_USE)
    except RingRiftError as error:
        complain(str(error))
        sys.exit(BUSY if isinstance(error, Busy) else WRONG_USE)
