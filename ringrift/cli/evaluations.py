"""`ringrift evaluations …`: the results of evaluations, their games, and how other machines take part in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ringrift.cli import shared_evaluations
from ringrift.cli.options import MANY, ConfigArgument, ConfigOption, DatabaseOption, JsonOption
from ringrift.cli.reports import show_output
from ringrift.console import echo
from ringrift.moments import utc

app = typer.Typer(no_args_is_help=True, help=__doc__)

KindOption = Annotated[
    str | None, typer.Option("--kind", "-k", help="Only of this kind: gate, trial, rating, shadow or tournament.")
]
PlayerOption = Annotated[
    str | None, typer.Option("--player", "-p", help="Only where this is in the name of some seat's player.")
]
RunOption = Annotated[str | None, typer.Option("--run", help="Only of the run that begins so.")]


for command in (
    shared_evaluations.ask,
    shared_evaluations.answer,
    shared_evaluations.tell,
    shared_evaluations.forget,
):
    app.command()(command)


@app.command("list")
def list_evaluations(
    config: ConfigArgument,
    database: DatabaseOption = None,
    kind: Annotated[str | None, typer.Option("--kind", "-k", help="Only of this kind, such as gauntlet.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=MANY, help="How many, the newest first.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List the evaluations of a config, the last one first; --json has their whole reports.

    Example: ringrift evaluations list square8_2p --kind gauntlet
    """
    from dataclasses import asdict

    from rich.markup import escape
    from rich.table import Table

    from ringrift.evaluation.store import stored_evaluations
    from ringrift.game import parse_config
    from ringrift.game_database import GamesDatabase

    parse_config(config)
    with GamesDatabase(database) as opened:
        rows = stored_evaluations(opened, config, kind=kind)[:limit]
    table = Table("id", "kind", "about", "passed", "finished")
    for row in rows:
        passed = {True: "yes", False: "no", None: ""}[row.passed]
        table.add_row(f"{row.id}", row.kind, escape(row.candidate or "all"), passed, utc(row.finished))
    show_output(table if rows else "there are no such evaluations", [asdict(row) for row in rows], as_json)


@app.command("games")
def list_games(
    database: DatabaseOption = None,
    config: ConfigOption = None,
    kind: KindOption = None,
    player: PlayerOption = None,
    run: RunOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=MANY, help="How many, the newest first.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List the games that were played for evaluations, the last one first.

    Example: ringrift evaluations games --config square8_2p --kind gate --player 0123456789abcdef
    """
    from rich.markup import escape
    from rich.table import Table

    from ringrift.evaluation.kept_games import GameFilter, newest_games
    from ringrift.game_database import GamesDatabase

    with GamesDatabase(database) as opened:
        games = newest_games(opened, GameFilter(config, kind, player, run), limit)
    table = Table("game", "config", "kind", "moves", "winner", "reason", "players by seat", "ended")
    for game in games:
        table.add_row(
            *(game.name, game.config, game.kind, f"{game.plies}", escape(game.winner or "")),
            (game.reason or "stopped").replace("_", " "),
            escape(", ".join(game.players)),
            utc(game.ended),
        )
    show_output(table if games else "there are no such games", [game.to_json() for game in games], as_json)


@app.command()
def show(
    game: Annotated[str, typer.Argument(metavar="GAME", help="Its run, or 4 or more digits of it, and its number.")],
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a game of an evaluation: what is known of it, and its last position; --json has its record.

    Example: ringrift evaluations show 0123456789abcdef/3
    """
    from ringrift.evaluation.kept_games import find_kept_game
    from ringrift.game import Game
    from ringrift.game_database import GamesDatabase

    with GamesDatabase(database) as opened:
        kept, record = find_kept_game(opened, game)
    known = kept.to_json()
    if as_json:
        echo(json.dumps(known | {"record": record}))
        return
    known["ended"] = utc(kept.ended)
    width = max(map(len, known))
    for name, value in known.items():
        echo(f"{name:<{width}}  {value if value is not None else '–'}")
    echo(f"\n{Game.from_record(record)}")


@app.command()
def export(
    out: Annotated[Path, typer.Option("--out", "-o", help="Write there (.jsonl or .jsonl.gz).")],
    database: DatabaseOption = None,
    config: ConfigOption = None,
    kind: KindOption = None,
    player: PlayerOption = None,
    run: RunOption = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, max=MANY, help="At most this many games.")
    ] = None,
) -> None:
    """Write games of evaluations as records, which `ringrift game replay` and `ringrift analyse` read.

    Example: ringrift evaluations export --run 0123abcd --out games.jsonl
    """
    from ringrift.evaluation.kept_games import GameFilter, kept_records
    from ringrift.game.records import write_records
    from ringrift.game_database import GamesDatabase

    with GamesDatabase(database) as opened:
        count = write_records(out, kept_records(opened, GameFilter(config, kind, player, run), limit=limit))
    echo(f"{count} games written to {out}", err=True)
