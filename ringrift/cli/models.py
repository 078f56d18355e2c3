"""`ringrift models …`: the model store."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringrift.cli.context import run_context
from ringrift.cli.options import (
    LONGEST_DAYS,
    MANY,
    MODELS,
    ConfigArgument,
    ConfigOption,
    DatabaseOption,
    JsonOption,
    ModelsOption,
)
from ringrift.cli.render import rendered
from ringrift.cli.reports import show_output, show_report
from ringrift.console import console, echo
from ringrift.moments import utc

if TYPE_CHECKING:
    from ringrift.errors import RingRiftError
    from ringrift.models import ModelStore, NnueStore, RegisteredNnue, StoredModel
    from ringrift.models.shipped import ShippedModel

app = typer.Typer(no_args_is_help=True, help=__doc__)

ModelArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="Its id or first digits, square8_2p/best for a champion, best~1 for the one before, or a path.",
    ),
]


@contextmanager
def open_store(database: str | None, folder: Path, *, create: bool = False) -> Iterator[ModelStore]:
    """The model store of a database, that of the settings where none is named, and a folder."""
    from ringrift.game_database import GamesDatabase
    from ringrift.models import ModelStore

    with GamesDatabase(database, create=create) as opened:
        yield ModelStore(opened, folder)


@contextmanager
def open_stores(database: str | None, folder: Path, *, create: bool = False) -> Iterator[tuple[ModelStore, NnueStore]]:
    """The model store, and its part that holds the integer networks."""
    from ringrift.models import NnueStore

    with open_store(database, folder, create=create) as store:
        yield store, NnueStore(store.database, folder)


def named_file(database: str | None, folder: Path, config: str, name: str) -> Path:
    """Return the file of a model by any of its names; one that is named by its path needs no database."""
    from ringrift.models.names import model_file

    if Path(name).is_file():
        return Path(name)
    with open_store(database, folder, create=True) as store:
        return model_file(store, name, config)


@app.command()
def register(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH…", help="Files .pth, each with its .json beside it, and files .nnue.")
    ],
    database: DatabaseOption = None,
    folder: ModelsOption = MODELS,
    as_json: JsonOption = False,
) -> None:
    """Take models into the store: verified, copied into the folder of models if they lie elsewhere, in development.

    A model that is there already stays what it is; one whose files are
    lost or altered gets them back. Makes the database if there is none.

    Example: ringrift models register models/square8_2p/0123456789abcdef.pth

    Example: ringrift models register gpu-1/*.pth --models /srv/models
    """
    from ringrift.nnue import SUFFIX

    with open_stores(database, folder, create=True) as (store, networks):
        models: list[StoredModel | RegisteredNnue] = [
            (networks if path.suffix == SUFFIX else store).register(path) for path in paths
        ]
    if as_json:
        echo(json.dumps([model.to_json() for model in models]))
        return
    for model in models:
        echo(f"{model.id}  {model.config}  {model.status}")


@app.command("list")
def list_models(
    database: DatabaseOption = None,
    folder: ModelsOption = MODELS,
    config: ConfigOption = None,
    status: Annotated[
        str | None, typer.Option(help="Only development, staging, production, archived, rejected or shipped.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", "-a", help="Also models whose files are pruned.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the models, the newest first, then the integer networks, and what comes with the package (shipped).

    Example: ringrift models list --config square8_2p --status production
    """
    from rich.table import Table

    from ringrift.game_database import AbsentDatabase
    from ringrift.models import STATUSES, UnknownModel
    from ringrift.models.shipped import SHIPPED_STATUS, shipped_models
    from ringrift.settings import unknown_name

    known = (*STATUSES, SHIPPED_STATUS)
    if status is not None and status not in known:
        raise UnknownModel(f"no model has the status {status!r}: {unknown_name(status, known)}")
    shipped = shipped_models(config) if status in (None, SHIPPED_STATUS) else []
    models: list[StoredModel] = []
    networks: list[RegisteredNnue] = []
    try:
        if status != SHIPPED_STATUS:
            with open_stores(database, folder) as (store, nnue_store):
                models = [model for model in store.listed(config, status) if everything or model.pruned is None]
                networks = [one for one in nnue_store.listed(config, status) if everything or not one.pruned]
    except AbsentDatabase:
        if database is not None or not shipped:  # where nothing has been played yet, there is what came along
            raise
    table = Table("id", "kind", "config", "status", "created", "parent", "games", "files")
    for column in table.columns:
        column.overflow = "fold"
    for model in models:
        files = f"pruned {utc(model.pruned)}" if model.pruned else model.path
        status_shown = f"{model.status}, tuning" if model.is_experiment else model.status
        table.add_row(*_row(model, "network", status_shown, files), style=_style(model))
    for network in networks:
        table.add_row(*_row(network, "nnue", network.status, network.path or "pruned"), style=_style(network))
    for row in shipped:
        table.add_row(row.id, row.kind, row.config, SHIPPED_STATUS, "", "", _games(row.training), row.path)
    content = [model.to_json() | {"kind": "network"} for model in models]
    content += [network.to_json() | {"kind": "nnue"} for network in networks]
    content += [row.to_json() for row in shipped]
    show_output(table if content else "there are no such models", content, as_json)


def _row(model: StoredModel | RegisteredNnue, kind: str, status: str, files: str) -> tuple[str, ...]:
    games = _games(model.training)
    return model.id, kind, model.config, status, utc(model.created), model.parent or "", games, files


def _games(training: Mapping[str, Any]) -> str:
    return str((training.get("dataset") or {}).get("games", ""))


def _style(model: StoredModel | RegisteredNnue) -> str | None:
    return "bold green" if model.status == "production" else None


@app.command()
def show(
    model: ModelArgument,
    database: DatabaseOption = None,
    folder: ModelsOption = MODELS,
    as_json: JsonOption = False,
) -> None:
    """Show a model: its files and status, and the results of the gate, check by check.

    Example: ringrift models show 01234567
    """
    from rich.markup import escape

    from ringrift.game_database import AbsentDatabase
    from ringrift.models import GateReport, UnknownModel, history
    from ringrift.models.names import named_model

    try:
        with open_stores(database, folder) as (store, networks):
            if (network := networks.find(model)) is not None:
                _show_network(networks, network, as_json)
                return
            record = named_model(store, model)
            fault = None if record.pruned is not None else store.fault(record)
            entries = history(store, model=record.id)
            path = store.path(record)
    except (AbsentDatabase, UnknownModel) as error:
        _show_shipped(_of_package(model, database, error), as_json)
        return
    if as_json:
        gated = [entry.to_json() for entry in entries]
        echo(json.dumps(record.to_json() | {"fault": fault, "promotions": gated}))
        return
    sound = f"pruned {utc(record.pruned)}" if record.pruned is not None else fault or "sound"
    known = {
        "model": record.id,
        "config": record.config,
        "status": record.status,
        "created": utc(record.created),
        "parent": record.parent or "–",
        "file": path,
        "SHA-256": record.sha256,
        "files are": sound,
    }
    for name, value in known.items():
        echo(f"{name:<9}  {value}")
    screen = console()
    for entry in entries:
        forced = " (forced)" if entry.forced else ""
        screen.print(f"\n{utc(entry.when)} {entry.kind}{forced}: {escape(entry.why)}")
        if entry.verdict is not None:
            screen.print(rendered(GateReport.from_json(entry.verdict)))


def _of_package(name: str, database: str | None, error: RingRiftError) -> ShippedModel:
    """Return the model of the package that a name denotes; raise the error of the store where there is none.

    A database that is named and absent remains an error.
    """
    from ringrift.game_database import AbsentDatabase
    from ringrift.models.shipped import find_shipped

    mistyped = isinstance(error, AbsentDatabase) and database is not None
    shipped = None if mistyped else find_shipped(name)
    if shipped is None:
        raise error
    return shipped


def _show_shipped(model: ShippedModel, as_json: bool) -> None:
    """Show a model of the package: its file and its card."""
    from ringrift.models.shipped import card

    if as_json:
        echo(json.dumps(model.to_json()))
        return
    known = {
        "network" if model.kind == "nnue" else "model": model.id,
        "config": model.config,
        "status": "shipped: comes with the package",
        "parent": model.training.get("parent") or "–",
        "file": model.path,
    }
    for name, value in known.items():
        echo(f"{name:<9}  {value}")
    for name, lines in card(model.training).items():
        for line in lines:
            echo(f"{name:<9}  {line}")


def _show_network(store: NnueStore, network: RegisteredNnue, as_json: bool) -> None:
    """Show an integer network: its file and status, and the result of its match for promotion."""
    from ringrift.models.nnue_gate import verdict_lines

    fault = None if network.pruned else store.fault(network)
    if as_json:
        echo(json.dumps(network.to_json() | {"fault": fault}))
        return
    known = {
        "network": network.id,
        "config": network.config,
        "status": network.status,
        "created": utc(network.created),
        "parent": network.parent or "–",
        "file": store.path(network),
        "file is": "pruned" if network.pruned else fault or "sound",
    }
    for name, value in known.items():
        echo(f"{name:<9}  {value}")
    for line in verdict_lines(network):
        echo(line)


@app.command()
def ship(
    model: ModelArgument,
    into: Annotated[Path, typer.Option(help="The folder of the package's champions.")],
    commands: Annotated[
        list[str] | None,
        typer.Option("--command", help="A command that made the model, for its card; may be repeated."),
    ] = None,
    cpu_minutes: Annotated[
        float | None, typer.Option(min=0, max=1e9, help="Minutes of one core that making it took, for its card.")
    ] = None,
    database: DatabaseOption = None,
    folder: ModelsOption = MODELS,
) -> None:
    """Write a model as the champion that comes with a package, with its Elo, without paths of this machine.

    `ringrift models why` shows its card: what it learned from, Elo and matches, commands and processor time.

    Example: ringrift models ship square8_2p/best --into ringrift/networks/shipped --cpu-minutes 20
    --command 'ringrift loop square8_2p --preset laptop --iterations 6'
    """
    from ringrift.models.names import named_model
    from ringrift.models.shipped import ship_model

    with open_store(database, folder) as store:
        chosen = named_model(store, model)
        echo(str(ship_model(store, chosen, into, commands=commands or (), cpu_minutes=cpu_minutes)))


@app.command()
def why(
    model: ModelArgument,
    database: DatabaseOption = None,
    folder: ModelsOption = MODELS,
    as_json: JsonOption = False,
) -> None:
    """Tell where a model comes from: parents, games, data set, settings, code, evaluations and promotions.

    Example: ringrift models why 01234567
    """
    from ringrift.game_database import AbsentDatabase
    from ringrift.models import UnknownModel, lineage, nnue_lineage
    from ringrift.models.names import named_model

    try:
        with open_stores(database, folder) as (store, networks):
            network = networks.find(model)
            if network is not None:
                show_report(nnue_lineage(networks, network), as_json)
            else:
                show_report(lineage(store, named_model(store, model)), as_json)
    except (AbsentDatabase, UnknownModel) as error:
        show_report(_of_package(model, database, error), as_json)


@app.command()
def verify(
    database: DatabaseOption = None,
    folder: ModelsOption = MODELS,
    config: ConfigOption = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Put back what there is a sound copy of; the database is right.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Compare the checksums of all files with the database; exit code 1 if something is left wrong.

    Example: ringrift models verify --repair
    """
    from ringrift.models import verify as run

    with open_store(database, folder) as store, run_context(None) as context:
        report = run(store, context, config=config, repair=repair)
    show_report(report, as_json)
    raise typer.Exit(1 if report.left else 0)


@app.command()
def rollback(
    config: ConfigArgument,
    reason: Annotated[str, typer.Option("--reason", help="Kept in the history.")] = "rollback",
    database: DatabaseOption = None,
    folder: ModelsOption = MODELS,
    as_json: JsonOption = False,
) -> None:
    """Make the champion before the present one champion again, with the same bytes; once more goes further back.

    Example: ringrift models rollback square8_2p --reason 'loses against the heuristic'
    """
    from ringrift.game import parse_config
    from ringrift.models import rollback as run

    parse_config(config)
    with open_store(database, folder) as store:
        show_report(run(store, config, why=reason), as_json)


@app.command()
def prune(
    database: DatabaseOption = None,
    folder: ModelsOption = MODELS,
    config: ConfigOption = None,
    predecessors: Annotated[int | None, typer.Option(min=0, max=MANY, help="Former champions to keep.")] = None,
    newest: Annotated[int | None, typer.Option(min=0, max=MANY, help="Newest models to keep, of every config.")] = None,
    days: Annotated[float | None, typer.Option(min=0, max=LONGEST_DAYS, help="Keep what is younger.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only show what would be pruned.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove the files of models and integer networks that nothing will need; their records stay.

    Champions, integer networks in use, the predecessors of both and models
    that wait for promotion are kept, and the newest and youngest as
    models.yaml or the options say.

    Example: ringrift models prune --dry-run

    Example: ringrift models prune --config square8_2p --newest 5 --days 2
    """
    from ringrift.models import model_settings
    from ringrift.models import prune as run

    options = {"predecessors": predecessors, "newest": newest, "days": days}
    changes = {name: value for name, value in options.items() if value is not None}
    with open_store(database, folder) as store:
        settings = model_settings().prune.model_copy(update=changes)
        show_report(run(store, settings, config=config, dry_run=dry_run), as_json)
