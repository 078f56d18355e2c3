"""`ringrift train-nnue` and `ringrift gate-nnue`: small integer networks learn, and play for their promotion."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringrift.cli.context import games_to_learn_from, run_context
from ringrift.cli.models import open_stores
from ringrift.cli.options import (
    MANY,
    MODELS,
    ConfigArgument,
    DatabaseOption,
    DeviceOption,
    JsonOption,
    ModelsOption,
    TorchThreadsOption,
)
from ringrift.cli.reports import show_report
from ringrift.cli.train import RUNS, RunsOption, SetOption, parsed_changes

if TYPE_CHECKING:
    from ringrift.training.nnue import NnueInputs

PresetOption = Annotated[str | None, typer.Option("--preset", help="Of nnue.yaml: smoke, laptop or h100.")]


def train_nnue(
    config: ConfigArgument,
    preset: PresetOption = None,
    changes: SetOption = None,
    models: ModelsOption = MODELS,
    runs: RunsOption = RUNS,
    device: DeviceOption = None,
    threads: TorchThreadsOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a small integer network (NNUE) on the config's stored games, for minimax:FILE.nnue and the other searches.

    It learns outcomes mixed with what searches thought. The file goes to
    models/CONFIG/ID.nnue and into the model store, a report with plots into
    the folder of the run. The same command again goes on where it was stopped.

    Example: ringrift train-nnue square8_2p

    Example: ringrift train-nnue hex8_3p --preset smoke --set search_share=0.5 --json
    """
    from ringrift.training.nnue import NnueInputs
    from ringrift.training.nnue_settings import nnue_settings
    from ringrift.version import command_line

    settings = nnue_settings(preset, parsed_changes(changes))
    inputs = NnueInputs(config, settings, models, runs, command=command_line())
    train_integer_network(inputs, device=device, threads=threads, database=database, as_json=as_json)


def train_integer_network(
    inputs: NnueInputs, *, device: str | None, threads: int | None, database: str | None, as_json: bool
) -> None:
    """Train an integer network on outcomes and searches, or on the values of a teacher, and show the report."""
    from ringrift.agents import make_agent
    from ringrift.datasets.settings import dataset_settings
    from ringrift.game import parse_config
    from ringrift.models import NnueStore
    from ringrift.networks import checked_device
    from ringrift.nnue import SUFFIX
    from ringrift.training.nnue import train_nnue
    from ringrift.training.thresholds import training_thresholds

    board, players = parse_config(inputs.config)
    teacher = make_agent(inputs.teacher, board, players) if inputs.teacher else None
    where = checked_device(device)
    with games_to_learn_from(database, training_thresholds(), threads) as (games, context):
        report = train_nnue(inputs, games, dataset_settings(), context, device=where, teacher=teacher)
        NnueStore(games, inputs.models).register(inputs.models / inputs.config / f"{report.facts.model}{SUFFIX}")
    show_report(report, as_json)


def gate_nnue(
    config: ConfigArgument,
    network: Annotated[Path, typer.Argument(metavar="FILE", help="The candidate: a file *.nnue.")],
    games: Annotated[int, typer.Option("--games", "-n", min=2, max=MANY, help="Games, in whole openings.")] = 200,
    models: ModelsOption = MODELS,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let an integer network play for its promotion, against the one in use or the heuristic, at equal time.

    Both play minimax, or maxn for more than two players. One that is stronger,
    p < 0.05, becomes what minimax:nnue and its kin play with. The verdict is
    kept: `ringrift models why` shows it. Exit code 1: it is not shown to be
    stronger.

    Example: ringrift gate-nnue square8_2p models/square8_2p/<id>.nnue
    """
    from ringrift.models.nnue_gate import gate_network

    with run_context(None) as context, open_stores(database, models, create=True) as (_, store):
        report = gate_network(network, config, store, context, games=games)
    show_report(report, as_json)
    if not report.passed:
        raise typer.Exit(1)
