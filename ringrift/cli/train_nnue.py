"""`ringrift train-nnue` and `ringrift gate-nnue`: small integer networks learn, and play for their promotion."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringrift.cli.context import run_context
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
    from ringrift.training.nnue_settings import NnueSettings

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
    from ringrift.training.nnue_settings import nnue_settings

    settings = nnue_settings(preset, parsed_changes(changes))
    train_integer_network(config, settings, None, models, runs, device, threads, database, as_json)


def train_integer_network(
    config: str,
    settings: NnueSettings,
    teacher: str | None,
    models: Path,
    runs: Path,
    device: str | None,
    threads: int | None,
    database: str | None,
    as_json: bool,
) -> None:
    """Train an integer network on outcomes and searches, or on the values of a teacher, and show the report."""
    import torch

    from ringrift.agents import make_agent
    from ringrift.datasets.settings import dataset_settings
    from ringrift.game import parse_config
    from ringrift.game_database import GamesDatabase
    from ringrift.models import NnueStore
    from ringrift.networks import checked_device
    from ringrift.nnue import SUFFIX
    from ringrift.selfplay.player_pool import model_id
    from ringrift.training.nnue import NnueInputs, train_nnue
    from ringrift.training.thresholds import training_thresholds

    if threads is not None:
        torch.set_num_threads(threads)
    board, players = parse_config(config)
    command = " ".join(["ringrift", *sys.argv[1:]])
    inputs = NnueInputs(config, settings, models, runs, teacher, model_id(teacher) if teacher else None, command)
    agent = make_agent(teacher, board, players) if teacher else None
    with run_context(training_thresholds()) as context, GamesDatabase(database) as games:
        report = train_nnue(*(inputs, games, dataset_settings(), context), device=checked_device(device), teacher=agent)
        NnueStore(games, models).register(models / config / f"{report.facts.model}{SUFFIX}")
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
    kept: `ringrift models why` tells it. Exit code 1: it is not shown to be
    stronger.

    Example: ringrift gate-nnue square8_2p models/square8_2p/<id>.nnue
    """
    from ringrift.models.nnue_gate import gate_network

    with run_context(None) as context, open_stores(database, models, create=True) as (_, store):
        report = gate_network(network, config, store, context, games=games)
    show_report(report, as_json)
    if not report.passed:
        raise typer.Exit(1)
