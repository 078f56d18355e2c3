"""The log of commands: lines for people on the standard error, or JSON for machines.

Every command has `--log-level`, `-v` and `--log-json`; `RINGRIFT_TRACE_DEBUG=1` shows everything, also what the
libraries log.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, Final, Literal, get_type_hints

import typer

from ringrift import console
from ringrift.console import echo
from ringrift.printable import one_line

DEFAULT: Final = "warning"
TRACE: Final = "RINGRIFT_TRACE_DEBUG"
OURS: Final = "ringrift"
KERNELS: Final = "ringrift.kernels"
"""The logger that reports compilation, which takes minutes: its records are always shown."""

Level = Literal["debug", "info", "warning", "error"]


class StandardError(logging.Handler):
    """The handler that prints records; those below the level only of the loggers that are always shown."""

    def __init__(self) -> None:
        super().__init__()
        self.always_shown = {KERNELS}
        """Names of loggers whose notices are shown at any level."""
        self.shown = logging.WARNING
        self.as_json = False

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record."""
        notice = any(record.name == name or record.name.startswith(f"{name}.") for name in self.always_shown)
        if record.levelno >= (min(self.shown, logging.INFO) if notice else self.shown):
            echo(self.line(record), err=True)

    def line(self, record: logging.LogRecord) -> str:
        """Return a record as a line: the message alone, with time and origin, or as JSON."""
        message = one_line(record.getMessage())
        if record.exc_info and record.exc_info[1] is not None:
            message = f"{message} ({one_line(repr(record.exc_info[1]))})"
        if self.as_json:
            moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
            fields = {"time": moment, "level": record.levelname.lower(), "logger": record.name, "message": message}
            return json.dumps(fields)
        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.created))
        if self.shown < logging.WARNING:
            return f"{moment} {record.levelname.lower():<7} {record.name.removeprefix('ringrift.')}: {message}"
        return f"{moment} {message}" if record.levelno < logging.WARNING and record.name != KERNELS else message


HANDLER: Final = StandardError()


def set_up_logging(level: str | None = None, *, as_json: bool = False) -> None:
    """Show what is logged from a level on, by default warnings; what an earlier call has set is set anew."""
    trace = os.environ.get(TRACE, "") not in ("", "0")
    shown = logging.DEBUG if trace else getattr(logging, (level or DEFAULT).upper())
    HANDLER.shown, HANDLER.as_json = shown, as_json
    for name in ("", OURS):  # the handler sits at one of them
        logging.getLogger(name).removeHandler(HANDLER)
    ours = logging.getLogger(OURS)
    ours.propagate = trace
    (logging.getLogger() if trace else ours).addHandler(HANDLER)
    ours.setLevel(min(shown, logging.WARNING))
    logging.getLogger().setLevel(logging.DEBUG if trace else logging.WARNING)
    logging.getLogger(KERNELS).setLevel(min(shown, logging.INFO))


def complain(complaint: str) -> None:
    """Print an error in one line, or log it for machines."""
    if HANDLER.as_json:
        logging.getLogger(OURS).error("%s", complaint)
    else:
        console.complain(complaint)


@contextmanager
def telling(name: str) -> Iterator[None]:
    """Show the records of a logger at any level meanwhile."""
    log = logging.getLogger(name)
    before = log.level
    HANDLER.always_shown.add(name)
    log.setLevel(min(HANDLER.shown, logging.INFO))
    try:
        yield
    finally:
        log.setLevel(before)
        HANDLER.always_shown.discard(name)


def log_every_command(application: typer.Typer) -> None:
    """Give all commands of an application, and of its groups, the options of the log."""
    for command in application.registered_commands:
        assert command.callback is not None
        command.callback = _logged(command.callback)
    for group in application.registered_groups:
        if group.typer_instance is not None:
            log_every_command(group.typer_instance)


def _logged(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a command with the options of the log, which are set up before it runs."""

    @wraps(function)
    def command(
        *words: Any, log_level: Level | None = None, verbose: bool = False, log_json: bool = False, **named: Any
    ) -> Any:
        set_up_logging(log_level or ("info" if verbose else None), as_json=log_json)
        return function(*words, **named)

    hints = get_type_hints(function, include_extras=True)
    result = hints.pop("return", None)
    known = [
        parameter.replace(annotation=hints[name], kind=Parameter.KEYWORD_ONLY)
        for name, parameter in signature(function).parameters.items()
    ]
    own = [Parameter(name, Parameter.KEYWORD_ONLY, default=value, annotation=hint) for name, hint, value in OPTIONS]
    command.__signature__ = Signature([*known, *own], return_annotation=result)  # type: ignore[attr-defined]
    command.__annotations__ = hints | {name: hint for name, hint, _ in OPTIONS}
    return command


OPTIONS: Final[tuple[tuple[str, Any, Any], ...]] = (
    (
        "log_level",
        Annotated[
            Level | None,
            typer.Option("--log-level", help="What is logged; by default warnings.", rich_help_panel="Log"),
        ],
        None,
    ),
    (
        "verbose",
        Annotated[bool, typer.Option("--verbose", "-v", help="As --log-level info.", rich_help_panel="Log")],
        False,
    ),
    (
        "log_json",
        Annotated[bool, typer.Option("--log-json", help="Log lines of JSON, for machines.", rich_help_panel="Log")],
        False,
    ),
)
"""Name, type and default of the options that every command has."""
