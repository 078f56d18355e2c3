"""`ringrift train`: a network learns from a data set."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ringrift.cli.context import exit_if_cancelled, run_context
from ringrift.cli.models import named_file, open_store
from ringrift.cli.options import (
    MODELS,
    ConfigArgument,
    DatabaseOption,
    DeviceOption,
    JsonOption,
    ModelsOption,
    TorchThreadsOption,
)
from ringrift.cli.reports import show_report
from ringrift.console import echo

if TYPE_CHECKING:
    from ringrift.training import HyperParameters, TrainingInputs

PresetOption = Annotated[str | None, typer.Option("--preset", help="Of hyperparameters.yaml: smoke, laptop or h100.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Another value of a hyper-parameter; may be repeated."),
]
NEWEST: Final = Path("newest")
ParentOption = Annotated[
    Path | None,
    typer.Option(
        "--from",
        help="A model to start from, of this config, of fewer players, or of the smaller board of its shape: path, id, "
        "`best` or `newest`.",
    ),
]
DatasetsOption = Annotated[Path, typer.Option("--datasets", help="Folder of the data sets.")]
RunsOption = Annotated[Path, typer.Option("--runs", help="Folder of runs: history, checkpoints, report.")]
DATASETS: Final = Path("data/training")
RUNS: Final = Path("data/runs")


def train(
    config: ConfigArgument,
    preset: PresetOption = None,
    changes: SetOption = None,
    parent: ParentOption = None,
    datasets: DatasetsOption = DATASETS,
    models: ModelsOption = MODELS,
    runs: RunsOption = RUNS,
    device: DeviceOption = None,
    threads: TorchThreadsOption = None,
    register: Annotated[
        bool, typer.Option("--register", help="Take the model into the store, as --from newest always does.")
    ] = False,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a network on the config's data set; a report with plots goes into the folder of the run.

    The same command again goes on where the last one was stopped, however
    that came about. With several GPUs, start it with torchrun. Exit code 1:
    the data set has nothing new for the parent; 2: something was wrong, also a
    network that ends worse than one that knows nothing, which becomes no
    model.

    Example: ringrift train square8_2p --preset laptop

    Example: ringrift train square8_2p --preset laptop --from newest --register

    Example: ringrift train square8_2p --set network=v3 --set losses.value=0.5 --from models/square8_2p/<id>.pth

    Example: torchrun --nproc-per-node 8 .venv/bin/ringrift train hex8_3p --preset h100

    Example: ringrift train square8_4p --preset smoke --json
    """
    import torch

    from ringrift.evaluation.strength import strength_against_heuristic
    from ringrift.training import hyper_parameters, train
    from ringrift.training.errors import NothingNew
    from ringrift.training.thresholds import training_thresholds

    if threads is not None:
        torch.set_num_threads(threads)
    hyper = hyper_parameters(config, preset, parsed_changes(changes))
    inputs = planned_inputs(config, hyper, parent, database, datasets=datasets, models=models, runs=runs)
    strength = strength_against_heuristic(config, hyper.elo_games) if hyper.early_stopping == "elo" else None
    with run_context(training_thresholds(), heavy="training", folders=[runs, models], gpu=True) as context:
        try:
            report = train(inputs, context, device=device, strength=strength)
        except NothingNew as nothing:
            echo(json.dumps({"nothing_new": str(nothing)}) if as_json else str(nothing))
            raise typer.Exit(1) from None
    if report is not None:  # of several processes the first one talks
        if (register or parent == NEWEST) and report.facts.model:  # or the next one would not find it
            with open_store(database, models, create=True) as store:
                store.register(models / config / f"{report.facts.model}.pth")
        show_report(report, as_json)
    if not (report and report.facts.model):
        exit_if_cancelled(context)


def planned_inputs(
    config: str,
    hyper: HyperParameters,
    parent: Path | None,
    database: str | None,
    *,
    datasets: Path,
    models: Path,
    runs: Path,
) -> TrainingInputs:
    """Return what is to be trained on what; a parent that is no file is looked up in the store."""
    from ringrift.models.newest import newest_parent
    from ringrift.training import TrainingInputs

    named = None if parent == NEWEST else parent
    inputs = TrainingInputs(config, hyper, parent=named, datasets=datasets, models=models, runs=runs)
    if parent is not None and parent != NEWEST and not parent.is_file():
        return replace(inputs, parent=named_file(database, inputs.models, config, str(parent)))
    if parent != NEWEST:
        return inputs
    with open_store(database, inputs.models, create=True) as store:
        return replace(inputs, parent=newest_parent(store, inputs))


def parsed_changes(changes: list[str] | None) -> dict[str, Any]:
    """`name=value` and `group.name=value` as the settings that they change."""
    from ringrift.settings import BadSettings
    from ringrift.yaml_reader import BadYaml, parse_yaml

    found: dict[str, Any] = {}
    for change in changes or []:
        name, equals, value = change.partition("=")
        if not (name and equals):
            raise BadSettings(f"--set {change!r}: the form is name=value, such as learning_rate=0.001")
        group, dot, field = name.rpartition(".")
        target = found.setdefault(group, {}) if dot else found
        if not isinstance(target, dict):
            raise BadSettings(f"--set {change!r}: {group} is set as a whole, too")
        try:
            target[field] = parse_yaml(value)
        except BadYaml as error:
            raise BadSettings(f"--set {change!r}: is no YAML: {error}") from None
    return found
