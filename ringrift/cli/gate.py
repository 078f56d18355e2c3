"""`ringrift gate`: what the gate would say about models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ringrift.cli.context import run_context
from ringrift.cli.models import open_store
from ringrift.cli.options import MODELS, DatabaseOption, JsonOption, ModelsOption
from ringrift.cli.reports import show_report


def gate(
    names: Annotated[
        list[str],
        typer.Argument(metavar="MODEL…", help="Files of models, or names that `ringrift models show` takes."),
    ],
    pause: Annotated[
        bool, typer.Option("--pause/--no-pause", help="Ask, too, whether the champion has stood for some minutes.")
    ] = True,
    database: DatabaseOption = None,
    models: ModelsOption = MODELS,
    as_json: JsonOption = False,
) -> None:
    """Measure models by every condition of a promotion, also after one that is not met; promote none.

    A file needs not be registered: its side file says for which config it
    is. Each model runs its gauntlet against the champion of now, then the
    conditions of models.yaml are looked at. All games are kept; what was
    played in the gauntlet is not played again. Exit code 0: a model passes; 1: none does.

    Example: ringrift gate models/square8_2p/0123456789abcdef.pth

    Example: ringrift gate models/square8_2p/*.pth --no-pause --json
    """
    from ringrift.evaluation.settings import evaluation_settings
    from ringrift.models import model_settings
    from ringrift.models.names import named_model
    from ringrift.models.screening import screen
    from ringrift.models.store import unregistered

    settings = model_settings().gate
    if not pause:
        settings = settings.model_copy(update={"pause_minutes": 0})
    with (
        open_store(database, models, create=True) as store,
        run_context(settings, heavy="the gate", folders=store.database.folders, gpu=True) as context,
    ):
        # A file that is no model ends the command before the first game.
        candidates = [
            unregistered(Path(name)) if name.endswith(".pth") or Path(name).is_file() else named_model(store, name)
            for name in names
        ]
        report = screen(store, candidates, evaluation_settings(), context)
    show_report(report, as_json)
    raise typer.Exit(0 if report.passing else 1)
