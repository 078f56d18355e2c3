"""`ringrift reanalyse`: the champion searches decisions of old games again."""

from __future__ import annotations

from typing import Annotated

import typer

from ringrift.cli.context import run_context
from ringrift.cli.models import named_file
from ringrift.cli.options import MANY, MODELS, ConfigArgument, DatabaseOption, JsonOption, ModelsOption
from ringrift.cli.reports import show_report


def reanalyse(
    config: ConfigArgument,
    share: Annotated[float | None, typer.Option(min=0.0, max=1.0, help="The share of the decisions of a game.")] = None,
    search: Annotated[
        str | None, typer.Option(help="How the model searches: gumbel or puct, such as gumbel@64?noise=1.")
    ] = None,
    model: Annotated[str, typer.Option(help="The model that searches: id, path or `best`.")] = "best",
    games: Annotated[int | None, typer.Option("--games", "-n", min=1, max=MANY, help="The most games.")] = None,
    models: ModelsOption = MODELS,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let the champion search decisions of old games again; the next export takes its policies and values.

    The games stay as they are. The same command again goes on where the last
    one was stopped, and searches nothing twice. By default share, search and
    number of games are those of reanalysis.yaml.

    Example: ringrift reanalyse square8_2p --share 0.2

    Example: ringrift reanalyse hex8_3p --search gumbel@150?noise=1 --games 200 --json
    """
    from ringrift.datasets.settings import dataset_settings
    from ringrift.game import parse_config
    from ringrift.game_database import GamesDatabase
    from ringrift.settings import check_settings
    from ringrift.training.reanalysis import reanalyse as run
    from ringrift.training.reanalysis import reanalysis_inputs
    from ringrift.training.reanalysis_settings import ReanalysisSettings, reanalysis_settings

    parse_config(config)
    options = {"share": share, "search": search, "games": games}
    changes = {name: value for name, value in options.items() if value is not None}
    settings = check_settings(reanalysis_settings().model_dump() | changes, ReanalysisSettings, "the command line")
    path = named_file(database, models, config, model)
    inputs = reanalysis_inputs(config, path, settings.search)
    with (
        GamesDatabase(database) as opened,
        run_context(dataset_settings(), heavy="reanalysis", folders=opened.folders, gpu=True) as context,
    ):
        report = run(opened, inputs, settings, context)
    show_report(report, as_json)
