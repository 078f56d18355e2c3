"""`ringrift loop` and `ringrift status`: the whole loop in one process, and how it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ringrift.cli.context import run_context
from ringrift.cli.models import open_store
from ringrift.cli.options import MANY, MODELS, ConfigArgument, DatabaseOption, JsonOption, ModelsOption
from ringrift.cli.reports import show_report

PresetOption = Annotated[str | None, typer.Option("--preset", help="Of loop.yaml: smoke, quick, laptop or cluster.")]


def loop(
    config: ConfigArgument,
    iterations: Annotated[int, typer.Option(min=1, max=MANY, help="How often: self-play to promotion.")] = 1,
    preset: PresetOption = None,
    from_zero: Annotated[
        bool,
        typer.Option("--from-zero", help="Begin with random weights whatever the preset says; smoke and quick do so."),
    ] = False,
    database: DatabaseOption = None,
    models: ModelsOption = MODELS,
    as_json: JsonOption = False,
) -> None:
    """Run the loop: self-play, ingest, export, check, training, gauntlet, rating, gate, promotion.

    The same functions that Airflow calls, one after the other in this
    process. However it was stopped, the same command goes on where it was;
    a stage that does nothing says which condition stopped it.

    A config without models begins with the champion that comes with the
    package, and has to beat it; with --from-zero, or a preset that says
    from_zero, it begins with random weights and games without a network.

    Example: ringrift loop square8_2p --iterations 10 --preset laptop

    Example: ringrift loop square8_2p --from-zero --preset quick

    Example: ringrift loop square8_2p --preset smoke --json
    """
    from dataclasses import replace

    from ringrift.game import parse_config
    from ringrift.pipeline.iteration import LoopInputs
    from ringrift.pipeline.pipeline_settings import pipeline_settings
    from ringrift.pipeline.run_iteration import run_iteration

    parse_config(config)
    settings = pipeline_settings(config, preset)
    if from_zero:
        settings = replace(settings, loop=settings.loop.model_copy(update={"from_zero": True}))
    with open_store(database, models, create=True) as store:
        inputs = LoopInputs(config, store.database, store)
        with run_context(settings, heavy="the loop", folders=inputs.folders, gpu=True) as context:
            for _ in range(iterations):
                show_report(run_iteration(inputs, context), as_json)


def status(
    preset: PresetOption = None,
    curve: Annotated[
        tuple[str, Path] | None,
        typer.Option(metavar="CONFIG FILE", help="Draw the curve of learning of a config as PNG, and print its table."),
    ] = None,
    beside: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FOLDER", help="With --curve: a loop in another folder as another line; repeatable."),
    ] = None,
    database: DatabaseOption = None,
    models: ModelsOption = MODELS,
    as_json: JsonOption = False,
) -> None:
    """Show how all configs stand: games, what is missing to the next training, champions, Elo, the last verdict.

    With --curve all trained models of one config, by the newest fit of Elo,
    whatever trained them; --json has the whole history of Elo, too, fit by fit.
    With --beside the picture has a line for every loop, over CPU hours: what a
    switch gains that is on in one of them.

    Example: ringrift status

    Example: ringrift status --curve square8_2p curve.png

    Example: ringrift status --curve square8_2p curve.png --beside reanalysis=../with-reanalysis
    """
    from ringrift.game_database import AbsentDatabase
    from ringrift.pipeline.curve import learning_curve
    from ringrift.pipeline.halt import check_loop, halted
    from ringrift.pipeline.iteration import FOLDER
    from ringrift.pipeline.settings import loop_settings
    from ringrift.pipeline.status import Status
    from ringrift.pipeline.status import status as status_of
    from ringrift.pipeline.switches import BadSwitch, parse_switches, switch_curves

    if beside and curve is None:
        raise BadSwitch("--beside needs --curve CONFIG FILE")
    chosen = loop_settings().preset_named(preset)
    try:
        with open_store(database, models) as store:
            if curve is not None:
                curve_report = learning_curve(store, curve[0], FOLDER)
                compared = switch_curves(curve_report, parse_switches(beside)) if beside else curve_report
                compared.draw(curve[1])
                show_report(compared, as_json)
                return
            report = status_of(store.database, store.folder, FOLDER, chosen)
    except AbsentDatabase:
        if database is not None or curve is not None:
            raise
        check_loop(Path(), "this is the working folder")
        report = Status(halted(), ())
    show_report(report, as_json)
