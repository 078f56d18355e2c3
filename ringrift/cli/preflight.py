"""`ringrift preflight`: checks before a training."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

import typer

from ringrift.cli.context import run_context
from ringrift.cli.options import MODELS, ConfigArgument, DatabaseOption, JsonOption
from ringrift.cli.reports import show_report
from ringrift.cli.train import (
    DATASETS,
    RUNS,
    DatasetsOption,
    ParentOption,
    PresetOption,
    RunsOption,
    SetOption,
    parsed_changes,
    planned_inputs,
)


def preflight(
    config: ConfigArgument,
    preset: PresetOption = None,
    changes: SetOption = None,
    parent: ParentOption = None,
    datasets: DatasetsOption = DATASETS,
    runs: RunsOption = RUNS,
    gpu: Annotated[bool, typer.Option("--gpu", help="Fail without a GPU.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Read the whole data set and compare checksums.")] = False,
    validate: Annotated[
        bool, typer.Option("--validate", help="Also ask of the data set what `ringrift dataset validate` asks.")
    ] = False,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check before a training that everything is there and sound, and that there is room; exit code 1 if not.

    Games database, data set, features, disk, memory, GPU, checkpoint and
    parent model. Limits stand in training.yaml. Say of the
    training what you would say to `ringrift train`.

    Example: ringrift preflight square8_2p --preset laptop

    Example: ringrift preflight square8_3p --set network=v3 --from models/ringrift_best_square8_2p.pth --verify
    """
    from ringrift.datasets.settings import dataset_settings
    from ringrift.errors import RingRiftError
    from ringrift.networks import inference_device
    from ringrift.training import hyper_parameters
    from ringrift.training.preflight import PlannedTraining
    from ringrift.training.preflight import preflight as check
    from ringrift.training.run import run_folder
    from ringrift.training.thresholds import training_thresholds

    hyper = hyper_parameters(config, preset, parsed_changes(changes))
    inputs, run = None, None
    with suppress(RingRiftError):  # the checks will say what is wrong
        inputs = planned_inputs(config, hyper, parent, database, datasets=datasets, models=MODELS, runs=runs)
        run = run_folder(inputs, inference_device())
    planned = PlannedTraining(
        config=config,
        architecture=hyper.network,
        features=dataset_settings().encoder,
        batch=hyper.batch,
        dataset=datasets / config,
        runs=runs,
        run=run,
        database=database,
        parent=inputs.parent if inputs else None,
        needs_gpu=gpu,
    )
    with run_context(training_thresholds().preflight) as context:
        report = check(planned, context, verify=verify, quality=dataset_settings().quality if validate else None)
    show_report(report, as_json)
    raise typer.Exit(0 if report.ready else 1)
