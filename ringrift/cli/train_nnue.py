"""`ringrift train-nnue` and `ringrift distil`: small integer networks learn from games, or from a stronger player."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ringrift.cli.context import run_context
from ringrift.cli.models import named_file
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
    models/CONFIG/ID.nnue, a report with plots into the folder of the run.

    Example: ringrift train-nnue square8_2p

    Example: ringrift train-nnue hex8_3p --preset smoke --set search_share=0.5 --json
    """
    from ringrift.training.nnue_settings import nnue_settings

    settings = nnue_settings(preset, parsed_changes(changes))
    _train(config, settings, None, models, runs, device, threads, database, as_json)


def distil(
    teacher: Annotated[
        str,
        typer.Argument(
            metavar="TEACHER",
            help="The player whose values are learned: a model by path, id or `best`, or any player, such as"
            " 'minimax?nodes=16000'.",
        ),
    ],
    config: ConfigArgument,
    to: Annotated[Literal["nnue"], typer.Option("--to", help="What learns.")] = "nnue",
    preset: PresetOption = None,
    changes: SetOption = None,
    models: ModelsOption = MODELS,
    runs: RunsOption = RUNS,
    device: DeviceOption = None,
    threads: TorchThreadsOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a small integer network on what a large network, or a deep search, thinks of the stored positions.

    Example: ringrift distil best square8_2p --to nnue

    Example: ringrift distil 'minimax?nodes=16000' hex8_2p --to nnue --set positions=100000
    """
    from ringrift.agents.spec import MODES
    from ringrift.training.nnue_settings import nnue_settings

    settings = nnue_settings(preset, parsed_changes(changes))
    mode = teacher.partition(":")[0].partition("@")[0].partition("?")[0]
    spec = teacher if mode in MODES else f"policy:{named_file(database, models, config, teacher)}?temperature=0"
    _train(config, settings, spec, models, runs, device, threads, database, as_json)


def _train(
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
    import torch

    from ringrift.agents import make_agent
    from ringrift.datasets.settings import dataset_settings
    from ringrift.game import parse_config
    from ringrift.game_database import GamesDatabase
    from ringrift.networks import checked_device
    from ringrift.training.nnue import NnueInputs, train_nnue
    from ringrift.training.thresholds import training_thresholds

    if threads is not None:
        torch.set_num_threads(threads)
    board, players = parse_config(config)
    command = " ".join(["ringrift", *sys.argv[1:]])
    inputs = NnueInputs(config, settings, models, runs, teacher, command)
    agent = make_agent(teacher, board, players) if teacher else None
    with run_context(training_thresholds()) as context, GamesDatabase(database) as games:
        report = train_nnue(*(inputs, games, dataset_settings(), context), device=checked_device(device), teacher=agent)
    show_report(report, as_json)


def gate_nnue(
    config: ConfigArgument,
    network: Annotated[Path, typer.Argument(metavar="FILE", help="The candidate: a file *.nnue.")],
    games: Annotated[int, typer.Option("--games", "-n", min=2, max=MANY, help="Games, in whole openings.")] = 200,
    models: ModelsOption = MODELS,
    as_json: JsonOption = False,
) -> None:
    """Let an integer network play for its promotion, against the one in use or the heuristic, at equal time.

    Both play minimax, or maxn for more than two players. One that is stronger,
    p < 0.05, becomes what minimax:nnue and its kin play with. Exit code 1: it
    is not shown to be stronger.

    Example: ringrift gate-nnue square8_2p models/square8_2p/<id>.nnue
    """
    from ringrift.models.nnue_gate import gate_network

    with run_context(None) as context:
        report = gate_network(network, config, models, context, games=games)
    show_report(report, as_json)
    if not report.passed:
        raise typer.Exit(1)
