"""Reports of the games database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from ringrift.cli.render import render
from ringrift.game_database.check import LEFT, CheckReport
from ringrift.game_database.ingest import IngestReport
from ringrift.game_database.merge import MergeReport
from ringrift.game_database.statistics import USES, GamesStatistics

SHOWN: Final = 20
"""Lines of damage that are listed."""
ENGINES_SHOWN: Final = 12


@render.register
def _(report: CheckReport) -> Iterator[RenderableType]:
    verdict = f"{len(report.damage)} things wrong" if report.damage else "all sound"
    yield escape(f"{report.database}: {report.games:,} games replayed, {verdict}")
    if not report.damage:
        return
    table = Table("what", "game", "done", "detail")
    for damage in report.damage[:SHOWN]:
        table.add_row(damage.kind, str(damage.game or ""), damage.done, escape(damage.detail))
    yield table
    if len(report.damage) > SHOWN:
        yield f"… and {len(report.damage) - SHOWN} more; --json lists all"
    kinds = Counter(damage.kind for damage in report.damage if damage.done == LEFT)
    if kinds["columns"] or kinds["source"] or kinds["moves"]:
        yield "--repair computes columns anew and drops moves without a game"
    if kinds.keys() - {"columns", "source", "moves", "file"}:
        yield "--quarantine moves games that cannot be saved there, and has their files read again"


@render.register
def _(report: IngestReport) -> Iterator[RenderableType]:
    rate = f", {report.games / report.seconds:,.0f} games/s" if report.games else ""
    yield escape(
        f"{report.database}: {report.games:,} new games of {report.lines:,} new lines in {report.files:,} files, "
        f"{report.seconds:.1f} s{rate}"
    )
    if report.added or report.quarantined:
        table = Table("", "games")
        table.columns[1].justify = "right"
        for config, count in sorted(report.added.items()):
            table.add_row(config, f"{count:,}")
        for reason, count in sorted(report.quarantined.items()):
            table.add_row(f"in quarantine: {reason}", f"{count:,}")
        yield table
    yield from map(escape, report.reasons())


@render.register
def _(report: MergeReport) -> Iterator[RenderableType]:
    yield escape(f"{report.other}: {sum(report.added.values()):,} new games of {report.games:,} into {report.database}")
    if report.duplicates:
        yield f"{report.duplicates:,} games were there already"
    for reason, count in sorted(report.quarantined.items()):
        yield f"in quarantine: {reason}: {count:,}"


@render.register
def _(report: GamesStatistics) -> Iterator[RenderableType]:
    waiting = ", ".join(f"{reason} {count:,}" for reason, count in report.quarantined.items())
    yield escape(f"{report.database}: {report.games:,} games" + (f"; in quarantine: {waiting}" if waiting else ""))
    if report.configs:
        yield from (part(report) for part in (_pool, _endings, _seats, _lengths, _uses, _engines))


def _pool(report: GamesStatistics) -> Table:
    table = _table("The pool", "config", "games", "held out", "distinct games", "distinct openings", "resigned")
    for config in report.configs:
        table.add_row(
            config.config,
            f"{config.games:,}",
            f"{config.held_out:,}",
            f"{config.distinct:,}",
            f"{config.openings:,}",
            f"{config.resigned:,}",
        )
    return table


def _endings(report: GamesStatistics) -> Table:
    reasons = list(dict.fromkeys(reason for config in report.configs for reason in config.endings))
    table = _table("How games end", "config", *(reason.replace("_", " ") for reason in reasons))
    for config in report.configs:
        shares = (config.endings.get(reason, 0) / config.games for reason in reasons)
        table.add_row(config.config, *(f"{share:.1%}" if share else "" for share in shares))
    return table


def _seats(report: GamesStatistics) -> Table:
    seats = range(max(len(config.seats) for config in report.configs))
    table = _table("Wins by seat, of the games won, with 95 % intervals", "config", *(f"{s + 1}" for s in seats))
    for config in report.configs:
        cells = (f"{seat.share:.1%} ({seat.low:.1%} – {seat.high:.1%})" for seat in config.seats)
        table.add_row(config.config, *cells)
    return table


def _lengths(report: GamesStatistics) -> Table:
    names = tuple(report.configs[0].moves)
    headings = ("config", "mean", *names, "actions", "actions with a choice")
    table = _table("Moves a game: mean and quantiles", *headings)
    for config in report.configs:
        table.add_row(
            config.config,
            f"{config.mean_moves:.1f}",
            *(f"{config.moves[name]}" for name in names),
            f"{config.mean_actions:.1f}",
            f"{config.choices:.1%}",
        )
    return table


def _uses(report: GamesStatistics) -> Table:
    headings = (name.replace("_", " ") for name in USES)
    table = _table("Uses a game, and the share of games that have any", "config", *headings)
    for config in report.configs:
        cells = (f"{use.per_game:.2f} ({use.share:.1%})" for use in config.uses.values())
        table.add_row(config.config, *cells)
    return table


def _engines(report: GamesStatistics) -> Table:
    table = _table("Who plays", "config", "engine", "seats", "share")
    for config in report.configs:
        seats = sum(config.engines.values())
        for engine, count in list(config.engines.items())[:ENGINES_SHOWN]:
            table.add_row(config.config, escape(engine), f"{count:,}", f"{count / seats:.1%}")
        if len(config.engines) > ENGINES_SHOWN:
            table.add_row(config.config, f"… and {len(config.engines) - ENGINES_SHOWN} more", "", "")
    return table


def _table(title: str, *headings: str) -> Table:
    """An empty table with words to the left and numbers to the right."""
    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading, justify="left" if heading in ("config", "engine") else "right")
    return table
