"""`ringrift sync` and `ringrift distribute`: games from the hosts, and models to them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ringrift.cli.context import exit_if_cancelled, run_context
from ringrift.cli.hosts import HostsArgument, open_fleet
from ringrift.cli.options import GAMES, MANY, MODELS, ConfigArgument, DatabaseOption, JsonOption, ModelsOption
from ringrift.cli.reports import show_report
from ringrift.console import echo

if TYPE_CHECKING:
    from ringrift.fleet.sync import SyncReport
    from ringrift.game_database import GamesDatabase
    from ringrift.run_context import RunContext

LOOK_FOR_HOSTS_SECONDS: Final = 2.0
"""The pause between two looks whether a host has joined: a sign of life each, many within any watchdog's patience."""


def sync(
    names: HostsArgument = None,
    stream: Annotated[bool, typer.Option("--stream", help="Again and again, until Ctrl-C or SIGTERM.")] = False,
    ingest: Annotated[
        bool, typer.Option("--ingest", help="And into the database, where sync alone leaves them in files.")
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder of the games here.")] = GAMES,
    min_games: Annotated[
        int | None,
        typer.Option(min=1, max=MANY, help="Fewer new games stay on their host; by default as fleet.yaml says."),
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove closed files there that are here and in the database.")
    ] = False,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring new games of the self-play hosts here: whole lines, verified, each once; and to the archives.

    Run it again, or kill it, at any time: it goes on where it stopped.
    `ringrift games ingest` takes the games into the database. Exit code 1
    if a host was in trouble; the games of the others are here all the same.
    What `--prune` leaves on the hosts stands in fleet.yaml. With --stream and
    no host of self-play, it waits until one joins.

    Example: ringrift sync

    Example: ringrift sync gpu-1 gpu-2 --json

    Example: ringrift sync --stream --prune

    Example: ringrift sync --stream --ingest --min-games 1
    """
    while True:  # once more, with other hosts, when some have joined or left
        if stream and not names:
            _wait_for_hosts(database)
        _sync(names, stream, ingest, out, min_games, prune, database, as_json)


def _sync(
    names: list[str] | None,
    stream: bool,
    ingest: bool,
    out: Path,
    min_games: int | None,
    prune: bool,
    database: str | None,
    as_json: bool,
) -> None:
    """Bring games, and end the command; return only where the fleet has other hosts than it had."""
    from ringrift.fleet.fleet import known_hosts
    from ringrift.fleet.hosts import players_and_archives

    known = known_hosts(database)
    with open_fleet(names, database) as (chosen, settings, health):
        hosts, archives = players_and_archives(chosen, names or ())
        from ringrift.cli.watchdog import Watchdog
        from ringrift.fleet.sync import stream_games, sync_games

        changes: dict[str, object] = {} if min_games is None else {"min_games": min_games}
        if prune:
            changes["prune"] = settings.sync.prune.model_copy(update={"always": True})
        settings = settings.model_copy(update={"sync": settings.sync.model_copy(update=changes)})
        last = ""

        def on_round(report: SyncReport) -> None:
            nonlocal last
            if as_json:
                echo(json.dumps(report.to_json()))
            elif report.games or str(report) != last:
                echo(str(report))
            last = str(report)

        with run_context(settings, heavy="sync", folders=[out]) as context:

            def after_round(report: SyncReport) -> None:
                on_round(report)
                if ingest:
                    _take_in(health.database, out, context, verbose=not as_json)

            if not stream:
                report = sync_games(hosts, settings, root=out, health=health, archives=archives)
                show_report(report, as_json)
                if ingest:
                    _take_in(health.database, out, context, verbose=not as_json)
                raise typer.Exit(1 if report.failed else 0)
            stream_games(
                *(hosts, context, after_round),
                root=out,
                health=health,
                archives=archives,
                alive=Watchdog().alive,
                over=lambda: known_hosts(database) != known,
            )
        exit_if_cancelled(context)
    echo("the fleet has other hosts now")


def _wait_for_hosts(database: str | None) -> None:
    """Return when some host is for self-play; until then, say once that there is none, and give signs of life."""
    from ringrift.cli.watchdog import Watchdog
    from ringrift.fleet.fleet import known_hosts

    def joined() -> bool:
        return any("selfplay" in host.roles or not host.works for host in known_hosts(database).values())

    if joined():
        return
    watchdog = Watchdog()
    with run_context(None) as context:
        echo("no host has the role selfplay: sync waits until one joins, in hosts.yaml or rented", err=True)
        while not context.cancellation.wait(LOOK_FOR_HOSTS_SECONDS) and not joined():
            watchdog.alive()
        exit_if_cancelled(context)


def _take_in(database: GamesDatabase, folder: Path, context: RunContext[object], *, verbose: bool) -> None:
    """Read what has come into the database."""
    from ringrift.game_database import ingest
    from ringrift.game_database.settings import database_settings

    if folder.is_dir():
        taken = ingest(database, [folder], context.with_settings(database_settings().ingest))
        if taken.games and verbose:
            echo(f"{taken.games:,} new games in the database")


def distribute(
    config: ConfigArgument,
    names: HostsArgument = None,
    database: DatabaseOption = None,
    models: ModelsOption = MODELS,
    as_json: JsonOption = False,
) -> None:
    """Bring the champion of a config to the self-play hosts, verified; their next games are played by it.

    Archives get it, too. Former champions and the newest model go with it
    where the players of selfplay.yaml name them.
    Hosts that have all already are left alone. Exit code 1 if a host could
    not be reached: run it again.

    Example: ringrift distribute square8_2p
    """
    from ringrift.game import parse_config
    from ringrift.models import ModelStore
    from ringrift.selfplay import selfplay_settings

    parse_config(config)
    with open_fleet(names, database) as (chosen, settings, health):
        from ringrift.fleet.distribution import distribute as run
        from ringrift.fleet.hosts import players_and_archives

        hosts_of_play, archives = players_and_archives(chosen, names or ())
        hosts = hosts_of_play | archives
        store = ModelStore(health.database, models)
        players = selfplay_settings(config).players.every_trained
        report = run(store, config, hosts, settings, players=players, health=health)
    show_report(report, as_json)
    raise typer.Exit(0 if report.complete else 1)
