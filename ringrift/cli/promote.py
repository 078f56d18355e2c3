"""`ringrift promote`: a model before the gate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ringrift.cli.context import run_context
from ringrift.cli.models import open_store
from ringrift.cli.options import MODELS, ConfigArgument, DatabaseOption, JsonOption, ModelsOption
from ringrift.cli.reports import show_report


def promote(
    config: ConfigArgument,
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL", help="Its id, 4 or more digits of it, or the path of a .pth file to register."),
    ],
    force: Annotated[bool, typer.Option("--force", help="Ask only whether its file is sound; needs --reason.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only run the gate; its answer is kept for a promotion that follows.")
    ] = False,
    pause: Annotated[
        bool, typer.Option("--pause/--no-pause", help="Ask, too, whether the champion has stood for some minutes.")
    ] = True,
    reason: Annotated[str | None, typer.Option("--reason", help="Why it is forced; kept in the history.")] = None,
    database: DatabaseOption = None,
    models: ModelsOption = MODELS,
    as_json: JsonOption = False,
) -> None:
    """Let a model pass the gate, and make it the champion of its config.

    Every condition of models.yaml is looked at, the cheapest first, until
    one is not met. What --check has measured before against the same
    champion is not measured again. With --no-pause the champion may be as
    new as it likes, where self-play has waited for it. Exit code 0: promoted, or champion
    already (with --check: it may be); 1: the gate says no; 2: something was
    wrong, and the champion is as before.

    Example: ringrift promote square8_2p 01234567

    Example: ringrift promote square8_2p models/square8_2p/0123456789abcdef.pth --json

    Example: ringrift promote square8_2p 01234567 --check

    Example: ringrift promote square8_2p 01234567 --force --reason 'first network'
    """
    from ringrift.errors import RingRiftError
    from ringrift.evaluation.settings import evaluation_settings
    from ringrift.game import parse_config
    from ringrift.models import check as ask
    from ringrift.models import model_settings, stored_results
    from ringrift.models import promote as run
    from ringrift.models.former import place_league_models
    from ringrift.models.names import named_model
    from ringrift.selfplay import selfplay_settings

    parse_config(config)
    if force and not (reason or "").strip():
        raise RingRiftError("--force needs --reason TEXT: the history says why")
    if force and check:
        raise RingRiftError("--force skips the gate: leave out --check")
    gate = model_settings().gate
    if not pause:
        gate = gate.model_copy(update={"pause_minutes": 0})
    with (
        open_store(database, models, create=model.endswith(".pth")) as store,
        run_context(gate, heavy="the gate", folders=store.database.folders, gpu=True) as context,
    ):
        if model.endswith(".pth"):
            model = store.register(Path(model)).id
        candidate = named_model(store, model, config)
        results = stored_results(store.database, config, candidate.id, evaluation_settings().gauntlet.as_)
        if check:
            report = ask(store, candidate, results, context)
        else:
            report = run(store, candidate, results, context, force=reason if force else None)
            place_league_models(store, config, selfplay_settings(config).players.every_trained)
    show_report(report, as_json)
    raise typer.Exit(1 if report.outcome == "refused" else 0)
