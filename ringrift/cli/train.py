"""`ringrift train`: a network learns from a data set."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer

from ringrift.cli.context import exit_if_cancelled, run_context, use_threads
from ringrift.cli.models import named_file, open_store
from ringrift.cli.options import (
    MODELS,
    MOST_GPUS,
    MOST_NODES,
    RINGRIFT,
    ConfigArgument,
    DatabaseOption,
    DeviceOption,
    JsonOption,
    ModelsOption,
    TorchThreadsOption,
)
from ringrift.cli.reports import show_report
from ringrift.console import echo
from ringrift.errors import RingRiftError

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
    gpus: Annotated[
        int | None, typer.Option(min=1, max=MOST_GPUS, help="Processes that torchrun starts, one for each GPU.")
    ] = None,
    nodes: Annotated[
        int | None, typer.Option(min=2, max=MOST_NODES, help="Machines that train together, each by this command.")
    ] = None,
    node_rank: Annotated[
        int | None,
        typer.Option(
            min=0, max=MOST_NODES - 1, help="The number of this machine among them, from 0; 0 writes the model."
        ),
    ] = None,
    rendezvous: Annotated[
        str | None, typer.Option(metavar="ADDRESS:PORT", help="Where machine 0 listens for the others.")
    ] = None,
    register: Annotated[
        bool, typer.Option("--register", help="Take the model into the store, as --from newest always does.")
    ] = False,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a network on the config's data set; a report with plots goes into the folder of the run.

    The same command again goes on where the last one was stopped, however
    that came about. With --gpus several GPUs of this machine take part; with
    --nodes several machines, on each of which the same command is started, and
    which see the same folders. Exit code 1:
    the data set has nothing new for the parent; 2: something was wrong, also a
    network that ends worse than one that knows nothing, which becomes no
    model.

    Example: ringrift train square8_2p --preset laptop

    Example: ringrift train square8_2p --preset laptop --from newest --register

    Example: ringrift train square8_2p --set network=v3 --set losses.value=0.5 --from models/square8_2p/<id>.pth

    Example: ringrift train hex8_3p --preset h100 --gpus 8

    Example: ringrift train hex8_3p --preset h100 --gpus 8 --nodes 2 --node-rank 0 --rendezvous gpu-1:29400

    Example: ringrift train square8_4p --preset smoke --json
    """
    meeting = meeting_options(nodes, node_rank, rendezvous)
    if (gpus is not None or nodes is not None) and "WORLD_SIZE" not in os.environ:  # which torchrun sets
        start_by_torchrun(gpus or 1, meeting)
    from ringrift.evaluation.strength import strength_against_heuristic
    from ringrift.training import hyper_parameters, train
    from ringrift.training.errors import NothingNew
    from ringrift.training.thresholds import training_thresholds

    use_threads(threads)
    hyper = hyper_parameters(config, preset, parsed_changes(changes))
    inputs = planned_inputs(config, hyper, parent, database, datasets=datasets, models=models, runs=runs)
    strength = strength_against_heuristic(config, hyper.elo_games) if hyper.early_stopping == "elo" else None
    with run_context(training_thresholds(), heavy="training", folders=[runs, models], gpu=True) as context:
        try:
            report = train(inputs, context, device=device, strength=strength)
        except NothingNew as nothing:
            if os.environ.get("RANK", "0") == "0":
                echo(json.dumps({"nothing_new": str(nothing)}) if as_json else str(nothing))
            raise typer.Exit(1) from None
    if report is not None:  # of several processes the first one talks
        if (register or parent == NEWEST) and report.facts.model:  # or the next one would not find it
            with open_store(database, models, create=True) as store:
                store.register(models / config / f"{report.facts.model}.pth")
        show_report(report, as_json)
    if not (report and report.facts.model):
        exit_if_cancelled(context)


def meeting_options(nodes: int | None, node_rank: int | None, rendezvous: str | None) -> list[str]:
    """Return the options of torchrun by which machines meet; those of one machine alone where there is no other."""
    if nodes is None and node_rank is None and rendezvous is None:
        return ["--standalone"]
    if nodes is None or node_rank is None or rendezvous is None:
        raise RingRiftError("--nodes, --node-rank and --rendezvous belong together: say all three, or none")
    if node_rank >= nodes:
        raise RingRiftError(f"--node-rank {node_rank}: of {nodes} machines the last one is number {nodes - 1}")
    address, _, port = rendezvous.rpartition(":")
    if not address or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise RingRiftError(f"--rendezvous {rendezvous}: write ADDRESS:PORT of machine 0, such as gpu-1:29400")
    place = ["--master-addr", address.strip("[]"), "--master-port", port]
    return ["--nnodes", str(nodes), "--node-rank", str(node_rank), *place]


def start_by_torchrun(processes: int, meeting: Sequence[str]) -> NoReturn:
    """Become the same command in several processes of this machine, which meet those of others."""
    words = [*RINGRIFT, *sys.argv[1:]]
    launcher = [sys.executable, "-m", "torch.distributed.run", *meeting, "--nproc-per-node", str(processes)]
    os.execv(sys.executable, [*launcher, "--no-python", *words])


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
    """Return `name=value` and `group.name=value` as the settings that they change."""
    from ringrift.settings import BadSettings
    from ringrift.yaml_reader import BadYaml, parse_yaml

    parsed: dict[str, Any] = {}
    for change in changes or []:
        name, equals, value = change.partition("=")
        if not (name and equals):
            raise BadSettings(f"--set {change!r}: the form is name=value, such as learning_rate=0.001")
        group, dot, field = name.rpartition(".")
        target = parsed.setdefault(group, {}) if dot else parsed
        if not isinstance(target, dict):
            raise BadSettings(f"--set {change!r}: {group} is set as a whole, too")
        try:
            target[field] = parse_yaml(value)
        except BadYaml as error:
            raise BadSettings(f"--set {change!r}: is no YAML: {error}") from None
    return parsed
