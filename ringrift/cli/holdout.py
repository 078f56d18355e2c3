"""`ringrift holdout`: any model on the games that are held out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ringrift.cli.context import run_context
from ringrift.cli.models import open_store
from ringrift.cli.options import MANY, MODELS, DatabaseOption, JsonOption, ModelsOption
from ringrift.cli.reports import show_report
from ringrift.cli.train import DATASETS, DatasetsOption


def holdout(
    model: Annotated[str, typer.Argument(help="A file, or a name that `ringrift models show` takes.")],
    samples: Annotated[int, typer.Option("--samples", "-n", min=1, max=MANY, help="Of each data set.")] = 10_000,
    datasets: DatasetsOption = DATASETS,
    database: DatabaseOption = None,
    models: ModelsOption = MODELS,
    as_json: JsonOption = False,
) -> None:
    """Measure a model on the games that are held out from training, and on as many samples of the others.

    Policy and value loss, how often network and search think the same action
    best, how true the values are, and the gap between both kinds of games,
    which warns as training.yaml says. `ringrift dataset export` writes both data sets.
    Where `ringrift hard-positions --regression` has fixed positions, the model is
    tried in them, too.

    Example: ringrift holdout square8_2p/best

    Example: ringrift holdout models/hex8_3p/0123456789abcdef.pth --samples 2000 --json
    """
    from ringrift.datasets import open_dataset
    from ringrift.datasets.manifest import dataset_name, manifest_path
    from ringrift.models.names import named_model
    from ringrift.models.store import unregistered
    from ringrift.networks import load_model
    from ringrift.training import hyper_parameters
    from ringrift.training.hard_positions import check_regression
    from ringrift.training.holdout import measure_holdout
    from ringrift.training.thresholds import training_thresholds

    path = Path(model)
    if model.endswith(".pth") or path.is_file():
        record = unregistered(path)
    else:
        with open_store(database, models) as store:
            record = named_model(store, model)
            path = Path(store.path(record))
    network = load_model(path)
    held_out = open_dataset(manifest_path(datasets, dataset_name(record.config, "holdout")))
    others = manifest_path(datasets, record.config)
    with run_context(training_thresholds().report) as context:
        report = measure_holdout(
            record.id,
            network,
            held_out,
            open_dataset(others) if others.exists() else None,
            hyper_parameters(record.config).losses,
            context,
            samples=samples,
        )
        report = replace(report, regression=check_regression(record.config, path))
    show_report(report, as_json)
