"""`ringrift preflight`: checks before a training."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from ringrift.cli.games import DatabaseOption, JsonOption
from ringrift.cli.paper import paper
from ringrift.cli.silence import Silence

FIRST_LINE: Final = 10.0
"""Seconds."""


def preflight(
    config: Annotated[str, typer.Argument(metavar="CONFIG", help="Config name, such as square8_2p.")],
    dataset: Annotated[
        Path | None, typer.Option(help="Data set to train on; by default that of the config in data/training.")
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="Folder of the run; by default one in data/runs that is not there yet.")
    ] = None,
    parent: Annotated[Path | None, typer.Option("--from", help="Model to start from (.pth).")] = None,
    network: Annotated[str, typer.Option(help="Architecture: small, v2, v3 or large.")] = "v2",
    batch: Annotated[int, typer.Option(min=1, help="Samples in one pass through the network.")] = 256,
    gpu: Annotated[bool, typer.Option("--gpu", help="Fail without a GPU.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Read the whole data set and compare checksums.")] = False,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check before a training that everything is there and sound, and that there is room; exit code 1 if not.

    Games database, data set, features, disk, memory, GPU, checkpoint and
    parent model. Limits stand in include/config/training.yaml.

    Example: ringrift preflight square8_2p

    Example: ringrift preflight square8_3p --network v3 --from models/ringrift_best_square8_2p.pth --verify
    """
    from ringrift.datasets.settings import dataset_settings
    from ringrift.training.preflight import PlannedTraining
    from ringrift.training.preflight import preflight as check
    from ringrift.training.thresholds import training_thresholds

    data = dataset_settings()
    planned = PlannedTraining(
        config=config,
        architecture=network,
        features=data.encoder,
        batch=batch,
        dataset=dataset or Path(data.folder) / config,
        run=run or Path("data/runs") / config / "next",
        database=database,
        parent=parent,
        needs_gpu=gpu,
    )
    with _status() as told:
        report = check(planned, training_thresholds().preflight, verify=verify, on_progress=told)
    if as_json:
        typer.echo(json.dumps(report.to_json()))
    else:
        paper().print(report)
    raise typer.Exit(0 if report.ready else 1)


@contextmanager
def _status() -> Iterator[Callable[[str], None]]:
    """A function that is told what is being checked; it shows that, or says so now and then where nobody looks."""
    if not sys.stderr.isatty():
        silence = Silence(FIRST_LINE)
        yield lambda name: typer.echo(f"checking {name}", err=True) if silence.is_over() else None
        return
    from rich.console import Console

    with Console(stderr=True).status("checking") as status:
        yield lambda name: status.update(f"checking {name}")
