"""`ringrift promote`: a model before the gate."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from ringrift.cli.games import DatabaseOption, JsonOption
from ringrift.cli.models import ConfigArgument, FolderOption, open_store, show_report
from ringrift.cli.silence import Silence

FIRST_LINE: Final = 5.0
"""Seconds until the progress is told for the first time, where it cannot be drawn."""


def promote(
    config: ConfigArgument,
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL", help="Its id, 4 or more digits of it, or the path of a .pth file to register."),
    ],
    force: Annotated[bool, typer.Option("--force", help="Ask only whether its file is sound; needs --reason.")] = False,
    reason: Annotated[str | None, typer.Option("--reason", help="Why it is forced; kept in the history.")] = None,
    database: DatabaseOption = None,
    folder: FolderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a model pass the gate, and make it the champion of its config.

    Every condition of models.yaml is looked at, the cheapest first, until
    one is not met. Exit code 0: promoted, or champion already; 1: the gate
    says no; 2: something was wrong, and the champion is as before.

    Example: ringrift promote square8_2p 01234567

    Example: ringrift promote square8_2p models/square8_2p/0123456789abcdef.pth --json

    Example: ringrift promote square8_2p 01234567 --force --reason 'first network'
    """
    from ringrift.game import RingRiftError, parse_config
    from ringrift.models import model_settings, stored_results
    from ringrift.models import promote as run

    parse_config(config)
    if force and not (reason or "").strip():
        raise RingRiftError("--force needs --reason TEXT: the history says why")
    with open_store(database, folder, create=model.endswith(".pth")) as store, _progress() as watch:
        if model.endswith(".pth"):
            model = store.register(Path(model)).id
        found = store.find(model, config)
        results = stored_results(store.database, config, found.id)
        report = run(store, found, results, model_settings().gate, force=reason if force else None, watch=watch)
    show_report(report, as_json)
    raise typer.Exit(1 if report.outcome == "refused" else 0)


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A function that is told what is being done, and how far: a bar where somebody looks, else a line now and then."""
    from rich.console import Console
    from rich.progress import Progress

    silence = Silence(FIRST_LINE)
    watched = sys.stderr.isatty()
    with Progress(console=Console(stderr=True), transient=True, disable=not watched) as progress:
        bar = progress.add_task("the gate", total=None)

        def tell(what: str, done: int, total: int) -> None:
            progress.update(bar, description=what, completed=done, total=total)
            if not watched and silence.is_over():
                typer.echo(f"{what}: {done} of {total}", err=True)

        yield tell
