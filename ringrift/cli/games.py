"""`ringrift games …`: the games database."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from ringrift.cli.context import exit_if_cancelled, run_context
from ringrift.cli.options import GAMES, MANY, MOST_THREADS, ConfigOption, DatabaseOption, JsonOption
from ringrift.cli.render import rendered
from ringrift.cli.reports import show_output, show_report
from ringrift.console import console, echo, echo_bytes
from ringrift.moments import utc

if TYPE_CHECKING:
    from ringrift.game_database.selection import Selection

app = typer.Typer(no_args_is_help=True, help=__doc__)

EngineOption = Annotated[str | None, typer.Option(help="Only where some seat's engine begins so, such as gumbel.")]
ModelOption = Annotated[str | None, typer.Option(help="Only where some seat has this model.")]
RunOption = Annotated[str | None, typer.Option(help="Only this run.")]
SourceOption = Annotated[str | None, typer.Option(help="Only from files with this in their path.")]
WIDE: Final = 120
"""The columns from which on a list of games says in which run each was played."""
SinceOption = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Only ended then or later, UTC.")
]
UntilOption = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Only ended before, UTC.")
]
PartOption = Annotated[
    Literal["training", "holdout"] | None, typer.Option(help="Only games for training, or those held out.")
]


@app.command()
def ingest(
    places: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[DIR]…", help="Folders, or files: .jsonl or .jsonl.gz; by default data/selfplay."),
    ] = None,
    database: DatabaseOption = None,
    threads: Annotated[int | None, typer.Option(min=1, max=MOST_THREADS, help="By default one a core.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Read new lines of files of games into the database; replay every game, and put what is none into quarantine.

    Run it again at any time: it goes on where it stopped, and keeps every
    game once. Makes the database if there is none.

    Example: ringrift games ingest

    Example: ringrift games ingest tests/traces/hex8_2p.jsonl.gz --database /tmp/games.db
    """
    from ringrift.game_database import GamesDatabase
    from ringrift.game_database import ingest as run
    from ringrift.game_database.settings import database_settings

    settings = database_settings()
    with (
        GamesDatabase(database, create=True, settings=settings) as opened,
        run_context(settings.ingest, heavy="ingest", folders=opened.folders) as context,
    ):
        report = run(opened, places or [GAMES], context, threads=threads)
    show_report(report, as_json)
    exit_if_cancelled(context)


@app.command()
def stats(
    database: DatabaseOption = None,
    config: ConfigOption = None,
    engine: EngineOption = None,
    model: ModelOption = None,
    run: RunOption = None,
    source: SourceOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    part: PartOption = None,
    plots: Annotated[Path | None, typer.Option(help="Write pictures (PNG) into this folder.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show statistics of games: ends, winners by seat, lengths, variety, players.

    Example: ringrift games stats --config square8_2p --plots plots
    """
    from ringrift.game_database import GamesDatabase
    from ringrift.game_database.plots import write_plots
    from ringrift.game_database.statistics import games_statistics

    with GamesDatabase(database) as opened:
        statistics = games_statistics(opened, _selection(config, engine, model, run, source, since, until, part))
    show_report(statistics, as_json)
    for path in write_plots(statistics, plots) if plots else ():
        echo(f"written: {path}", err=True)


@app.command()
def check(
    database: DatabaseOption = None,
    repair: Annotated[bool, typer.Option("--repair", help="Compute columns anew that follow from the moves.")] = False,
    quarantine: Annotated[
        bool, typer.Option("--quarantine", help="Move games that are none to quarantine, and read their files again.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Read and replay every stored game, and compare it with its row; exit code 1 if something is left wrong.

    Example: ringrift games check --repair --quarantine
    """
    from ringrift.game_database import GamesDatabase
    from ringrift.game_database.check import check as run

    with run_context(None) as context, GamesDatabase(database) as opened:
        report = run(opened, context, repair=repair, quarantine_bad=quarantine)
    show_report(report, as_json)
    raise typer.Exit(1 if report.left else 0)


@app.command()
def merge(
    others: Annotated[list[str], typer.Argument(metavar="DB…", help="Paths or URLs of the databases to add.")],
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add the games of other databases, each replayed anew, and what is in their quarantine.

    Example: ringrift games merge gpu-1.db gpu-2.db
    """
    from ringrift.game_database import GamesDatabase
    from ringrift.game_database.merge import merge as run

    reports = []
    with run_context(None) as context, GamesDatabase(database, create=True) as opened:
        for name in others:
            with GamesDatabase(name) as other:
                reports.append(run(opened, other, context))
            if not as_json:
                console().print(rendered(reports[-1]))
    if as_json:
        echo(json.dumps([report.to_json() for report in reports]))


@app.command()
def holdout(database: DatabaseOption = None, as_json: JsonOption = False) -> None:
    """Count the games of every config that are held out from training.

    `ringrift games export --part holdout` writes them.

    Example: ringrift games holdout
    """
    from rich.table import Table

    from ringrift.game_database import GamesDatabase
    from ringrift.game_database.selection import count_parts
    from ringrift.game_database.settings import database_settings

    share = database_settings().holdout_share
    with GamesDatabase(database) as opened:
        counts = count_parts(opened)
    table = Table("config", "for training", "held out", "share", title=f"Held out: {share:.1%}, by identity")
    for column in table.columns[1:]:
        column.justify = "right"
    for config, (training, held_out) in counts.items():
        table.add_row(config, f"{training:,}", f"{held_out:,}", f"{held_out / (training + held_out):.1%}")
    configs = {name: {"training": training, "holdout": held_out} for name, (training, held_out) in counts.items()}
    show_output(table if counts else "there are no games yet", {"share": share, "configs": configs}, as_json)


@app.command("list")
def list_games(
    database: DatabaseOption = None,
    config: ConfigOption = None,
    engine: EngineOption = None,
    model: ModelOption = None,
    run: RunOption = None,
    source: SourceOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    part: PartOption = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=MANY, help="How many games, the newest first.")
    ] = 20,
    as_json: JsonOption = False,
) -> None:
    """List games, the last to come in first.

    Example: ringrift games list --config hex8_3p --engine gumbel --since 2026-01-01
    """
    from rich.markup import escape
    from rich.table import Table

    from ringrift.game_database import GamesDatabase
    from ringrift.game_database.selection import newest

    with GamesDatabase(database) as opened:
        rows = newest(opened, _selection(config, engine, model, run, source, since, until, part), limit)
    wide = console().width >= WIDE
    table = Table("id", "identity", "config", *(("run", "game") if wide else ()))
    for heading in ("moves", "winner", "reason", "engines", "ended"):
        table.add_column(heading)
    for row in rows:
        table.add_row(
            *(f"{row['id']}", row["identity"][:8], row["config"]),
            *((escape(row["run"]), f"{row['game']}") if wide else ()),
            *(f"{row['plies']}", str(row["winner"] or ""), (row["reason"] or "stopped").replace("_", " ")),
            escape(", ".join(dict.fromkeys(row["engines"]))),
            _date(row["ended"]),
        )
    show_output(table if rows else "there are no such games", rows, as_json)


@app.command()
def show(
    game: Annotated[str, typer.Argument(metavar="GAME", help="Its id, or 4 or more digits of its identity.")],
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a game: what is known of it, and its last position.

    Example: ringrift games show 17
    """
    from ringrift.game_database import GamesDatabase
    from ringrift.game_database.export import replayed
    from ringrift.game_database.pool import read_game
    from ringrift.game_database.selection import describe, find_game

    with GamesDatabase(database) as opened:
        row = find_game(opened, game)
    known = describe(row)
    candidate = read_game(row)
    if as_json:
        echo(json.dumps(known | {"record": json.loads(candidate.to_line())}))
        return
    known["ended"] = _date(row.ended)
    width = max(map(len, known))
    for name, value in known.items():
        echo(f"{name.replace('_', ' '):<{width}}  {value if value is not None else '–'}")
    search = candidate.record.search
    echo(f"{'searches':<{width}}  {len(search.action_index) if search else 0}")
    echo(f"\n{replayed(candidate)}")


@app.command()
def export(
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write there (.jsonl or .jsonl.gz).")] = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    engine: EngineOption = None,
    model: ModelOption = None,
    run: RunOption = None,
    source: SourceOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    part: PartOption = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, max=MANY, help="At most this many games.")
    ] = None,
    moves: Annotated[
        bool, typer.Option("--moves", help="Canonical moves, as other programs read them; no search statistics.")
    ] = False,
) -> None:
    """Write games as lines of JSON, by default as they came in and to standard output.

    Example: ringrift games export --config square8_2p --out square8_2p.jsonl.gz

    Example: ringrift games export --part holdout --moves --limit 10
    """
    from ringrift.game_database import GamesDatabase
    from ringrift.game_database.export import export_lines, write_lines

    with GamesDatabase(database) as opened:
        selection = _selection(config, engine, model, run, source, since, until, part)
        lines = export_lines(opened, selection, canonical=moves, limit=limit)
        if out is None:
            for line in lines:
                echo_bytes(line)
            return
        count = write_lines(out, lines)
    echo(f"{count} games written to {out}", err=True)


@app.command()
def quarantine(
    database: DatabaseOption = None,
    reason: Annotated[str | None, typer.Option(help="Only this reason.")] = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=MANY, help="How many lines, the newest first.")
    ] = 20,
    raw: Annotated[bool, typer.Option("--raw", help="Print the lines themselves.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the lines that are no games: where they stand, and why.

    Example: ringrift games quarantine --reason illegal_action
    """
    from rich.markup import escape
    from rich.table import Table

    from ringrift.game_database import GamesDatabase
    from ringrift.game_database.selection import quarantined_lines

    with GamesDatabase(database) as opened:
        lines = quarantined_lines(opened, reason, limit)
    if raw:
        for line in lines:
            echo_bytes(line.raw.rstrip(b"\n") + b"\n")
        return
    table = Table("file", "line", "reason", "detail")
    for line in lines:
        table.add_row(escape(line.path), f"{line.number}", line.reason, escape(line.detail))
    show_output(table if lines else "nothing is in quarantine", [line.to_json() for line in lines], as_json)


def _selection(
    config: str | None,
    engine: str | None,
    model: str | None,
    run: str | None,
    source: str | None,
    since: datetime | None,
    until: datetime | None,
    part: Literal["training", "holdout"] | None,
) -> Selection:
    from ringrift.game_database.selection import Selection

    return Selection(config, engine, model, run, source, seconds_of(since), seconds_of(until), part)


def seconds_of(date: datetime | None) -> int | None:
    """A time of the command line, UTC, in seconds since 1970."""
    return None if date is None else int(date.replace(tzinfo=UTC).timestamp())


def _date(seconds: int) -> str:
    """A time of a record; 0 is none."""
    return utc(seconds) if seconds else "–"
