"""`ringrift train-ebmo`: energy networks learn."""

from __future__ import annotations

from typing import Annotated

import typer

from ringrift.cli.context import games_to_learn_from
from ringrift.cli.options import MODELS, ConfigArgument, DatabaseOption, JsonOption, ModelsOption, TorchThreadsOption
from ringrift.cli.reports import show_report
from ringrift.cli.train import SetOption, parsed_changes

PresetOption = Annotated[str | None, typer.Option("--preset", help="Of ebmo.yaml: smoke or laptop.")]


def train_ebmo(
    config: ConfigArgument,
    preset: PresetOption = None,
    changes: SetOption = None,
    models: ModelsOption = MODELS,
    threads: TorchThreadsOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train an energy network (EBMO) on the config's stored games, for the player ebmo:FILE.ebmo.

    It learns to distinguish what winners played from random legal actions. The file
    goes to models/CONFIG/ID.ebmo. A training that was stopped begins anew.

    Example: ringrift train-ebmo square8_2p

    Example: ringrift train-ebmo hex8_3p --preset smoke --set epochs=4 --json
    """
    from ringrift.datasets.settings import dataset_settings
    from ringrift.training.energy import train_energy
    from ringrift.training.energy_settings import energy_settings
    from ringrift.version import command_line

    settings = energy_settings(preset, parsed_changes(changes))
    with games_to_learn_from(database, None, threads) as (games, context):
        report = train_energy(config, settings, models, games, dataset_settings(), context, command=command_line())
    show_report(report, as_json)
