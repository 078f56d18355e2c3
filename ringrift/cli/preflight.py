"""`ringrift preflight`: checks before a training."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

import typer

from ringrift.cli.context import run_context
from ringrift.cli.models import open_store
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
        bool, typer.Option("--validate", help="Also check the data set as `ringrift dataset validate` does.")
    ] = False,
    clean: Annotated[
        bool,
        typer.Option(
            "--clean", help="If only the disk is too full, first remove what is not needed (`ringrift clean`)."
        ),
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
    from ringrift.models import model_settings
    from ringrift.networks import inference_device
    from ringrift.pipeline.housekeeping import CleanInputs
    from ringrift.pipeline.housekeeping import clean as clean_disk
    from ringrift.pipeline.housekeeping_report import CleanReport
    from ringrift.pipeline.housekeeping_settings import housekeeping_settings
    from ringrift.pipeline.iteration import LoopInputs
    from ringrift.pipeline.room import check_after_cleaning
    from ringrift.resources import guard_settings
    from ringrift.training import hyper_parameters
    from ringrift.training.preflight import PlannedTraining, PreflightReport
    from ringrift.training.preflight import preflight as check
    from ringrift.training.run import run_folder
    from ringrift.training.thresholds import training_thresholds

    hyper = hyper_parameters(config, preset, parsed_changes(changes))
    inputs, run = None, None
    with suppress(RingRiftError):  # the checks will report what is wrong
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

        def checked() -> PreflightReport:
            return check(planned, context, verify=verify, quality=dataset_settings().quality if validate else None)

        def cleaned() -> CleanReport:
            with open_store(database, MODELS) as store:
                loop = LoopInputs(config, store.database, store, datasets=datasets, runs=runs)
                places = CleanInputs.around(loop, None, model_settings().prune, guard_settings())
                return clean_disk(places, context.with_settings(housekeeping_settings()), apply=True, as_full=True)

        report = check_after_cleaning(checked, cleaned) if clean else checked()
    show_report(report, as_json)
    raise typer.Exit(0 if report.ready else 1)
