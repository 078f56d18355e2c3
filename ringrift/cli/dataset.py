"""`ringrift dataset …`: games of the database as arrays to learn from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ringrift.cli.context import run_context
from ringrift.cli.games import SinceOption, UntilOption, seconds_of
from ringrift.cli.options import MANY, MANY_TIMES, MOST_MOVES, MOST_THREADS, ConfigArgument, DatabaseOption, JsonOption
from ringrift.cli.render import rendered
from ringrift.cli.reports import show_report
from ringrift.console import console, echo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringrift.datasets import ExportReport, Share, ShareReport
    from ringrift.datasets.settings import DatasetSettings

app = typer.Typer(no_args_is_help=True, help=__doc__)

DatasetArgument = Annotated[
    Path,
    typer.Argument(metavar="DATASET", help="Such as data/training/square8_2p, or its manifest."),
]
FolderOption = Annotated[
    Path | None, typer.Option("--out", "-o", help="Folder to write to; by default what datasets.yaml says.")
]


@app.command()
def export(
    config: ConfigArgument,
    database: DatabaseOption = None,
    out: FolderOption = None,
    encoder: Annotated[str | None, typer.Option(help="Feature version.")] = None,
    engine: Annotated[
        list[str] | None, typer.Option(help="Only where some seat's engine begins so. Repeatable.")
    ] = None,
    model: Annotated[list[str] | None, typer.Option(help="Only where some seat has this model; repeatable.")] = None,
    run: Annotated[list[str] | None, typer.Option(help="Only this run; repeatable.")] = None,
    source: Annotated[
        list[str] | None, typer.Option(help="Only from files with this in their path; repeatable.")
    ] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    min_moves: Annotated[
        int | None, typer.Option(min=0, max=MOST_MOVES, help="Only games of at least this many moves.")
    ] = None,
    max_moves: Annotated[
        int | None,
        typer.Option(min=1, max=MOST_MOVES, help="Only games of at most this many moves, or the limit of the config."),
    ] = None,
    min_quality: Annotated[
        float | None, typer.Option(min=0, max=1, help="Only games of this quality or better; inspect shows it.")
    ] = None,
    with_stopped: Annotated[
        bool | None, typer.Option("--with-stopped/--completed-only", help="Also games without a winner.")
    ] = None,
    unsearched: Annotated[
        bool | None, typer.Option("--unsearched/--searched", help="Also actions without a search, for their value.")
    ] = None,
    window: Annotated[
        Literal["all", "newest", "power_law"] | None, typer.Option(help="How many of the newest games.")
    ] = None,
    newest: Annotated[
        int | None, typer.Option(min=1, max=MANY, help="This many of the newest games; means --window newest.")
    ] = None,
    sample_weights: Annotated[
        Literal["uniform", "victory", "quality", "priority", "surprise"] | None,
        typer.Option(help="Weights of samples."),
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, max=MOST_THREADS, help="By default one a core.")] = None,
    afresh: Annotated[bool, typer.Option("--afresh", help="Write shards again that are there already.")] = False,
    share: Annotated[
        str | None, typer.Option(metavar="K/N", help="Only the k-th of n shares of the shards, and no manifest.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write the data set of a config, and beside it that of the games held out from training.

    What is not given is as datasets.yaml says. The data set
    of before is replaced when the new one is whole. Shards whose games have
    not changed stay as they are, so that only new games take time, and what
    was interrupted goes on where it stopped.

    Several machines that see the same database and folder write it together,
    each with its --share; the export without one, afterwards, finds their
    shards there, and makes them the data set.

    Example: ringrift dataset export square8_2p

    Example: ringrift dataset export square8_2p --share 2/4

    Example: ringrift dataset export hex8_3p --run second --newest 5000 --sample-weights victory
    """
    from ringrift.datasets import Filters, export_share
    from ringrift.datasets import export as run_export
    from ringrift.datasets.settings import dataset_settings
    from ringrift.errors import RingRiftError
    from ringrift.game_database import GamesDatabase

    settings = _changed(
        dataset_settings(),
        {
            "encoder": encoder,
            "unsearched": unsearched,
            "games.completed_only": None if with_stopped is None else not with_stopped,
            "games.min_moves": min_moves,
            "games.max_moves": max_moves,
            "games.min_quality": None if min_quality is None else float(min_quality),
            "window.kind": "newest" if newest else window,
            "window.newest": newest,
            "sample_weights.kind": sample_weights,
        },
    )
    engines, models, runs, sources = (tuple(values or ()) for values in (engine, model, run, source))
    chosen = None if share is None else _share_of(share)
    if chosen is not None and afresh:
        raise RingRiftError("--share and --afresh: the export without a share would find old shards all the same")
    filters = Filters(engines, models, runs, sources, seconds_of(since), seconds_of(until))
    with (
        GamesDatabase(database) as opened,
        run_context(settings, heavy="export", folders=[*opened.folders, out or Path(settings.folder)]) as context,
    ):
        reports: Sequence[ExportReport | ShareReport]
        if chosen is None:
            reports = run_export(opened, config, context, folder=out, filters=filters, threads=threads, afresh=afresh)
        else:
            reports = export_share(opened, config, context, chosen, folder=out, filters=filters, threads=threads)
    if as_json:
        echo(json.dumps([report.to_json() for report in reports]))
    else:
        console().print(*map(rendered, reports))
    if len(reports) == 1 and chosen is None:
        echo(f"no game that is held out passes: {config}.holdout is not written", err=True)


def _share_of(text: str) -> Share:
    """Read a share such as `2/4`."""
    from ringrift.datasets import Share
    from ringrift.errors import RingRiftError

    number, _, of = text.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of) <= MANY_TIMES):
        raise RingRiftError(f"--share {text!r}: should be K/N, such as 2/4, with K from 1 to N")
    return Share(int(number), int(of))


@app.command()
def inspect(
    dataset: DatasetArgument,
    samples: Annotated[int, typer.Option("--samples", "-n", min=0, max=MANY, help="How many to draw.")] = 3,
    first: Annotated[int, typer.Option(min=0, max=MANY, help="The first one.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Show where a data set comes from, how good it is, and samples as boards, where A is always the player to act.

    Example: ringrift dataset inspect data/training/square8_2p --first 100 -n 1
    """
    from ringrift.cli.render.datasets import quality_table
    from ringrift.datasets.inspection import describe, draw_samples, known_quality
    from ringrift.datasets.manifest import find_manifest, read_manifest

    path = find_manifest(dataset)
    manifest = read_manifest(path)
    if as_json:
        echo(manifest.model_dump_json())
        return
    quality = known_quality(manifest)
    console().print(describe(path, manifest), *([quality_table(quality)] if quality else []))
    for text in draw_samples(path, manifest, first, samples):
        echo(f"\n{text}")


@app.command()
def merge(
    datasets: Annotated[list[Path], typer.Argument(metavar="DATASET…", help="Manifests of the data sets to merge.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The new data set, such as data/training/all.")],
    as_json: JsonOption = False,
) -> None:
    """Merge data sets of one config and encoding into one, with every game once.

    Example: ringrift dataset merge gpu-1/square8_2p gpu-2/square8_2p --out data/training/square8_2p
    """
    from ringrift.datasets.export import shard_samples
    from ringrift.datasets.manifest import find_manifest, read_manifest
    from ringrift.datasets.merge import merge as run
    from ringrift.datasets.settings import dataset_settings

    settings = dataset_settings()
    size = shard_samples(settings, read_manifest(find_manifest(datasets[0])).layout)
    target = find_manifest(out)
    with run_context(settings.quality) as context:
        report = run(datasets, target.parent, target.stem, size, context)
    show_report(report, as_json)


@app.command()
def validate(dataset: DatasetArgument, as_json: JsonOption = False) -> None:
    """Look for everything that makes a data set unfit to train on; exit code 1 if there is something.

    Example: ringrift dataset validate data/training/square8_2p
    """
    from ringrift.datasets.settings import dataset_settings
    from ringrift.datasets.validate import validate as run

    with run_context(dataset_settings().quality) as context:
        report = run(dataset, context)
    show_report(report, as_json)
    raise typer.Exit(0 if report.sound else 1)


def _changed(settings: DatasetSettings, changes: dict[str, Any]) -> DatasetSettings:
    """The settings with those changed that are not None, by dotted name."""
    fields = settings.model_dump()
    for name, value in changes.items():
        *groups, last = name.split(".")
        target = fields
        for group in groups:
            target = target[group]
        if value is not None:
            target[last] = value
    return type(settings).model_validate(fields)
