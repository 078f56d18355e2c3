"""Reports of evaluations."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from ringrift.cli.render import render, rendered
from ringrift.evaluation.distilled import DistillationReport
from ringrift.evaluation.elo import Ratings
from ringrift.evaluation.gauntlet import GauntletReport
from ringrift.evaluation.report import MatchReport, PlayerResult
from ringrift.evaluation.sequential import SequentialReport
from ringrift.evaluation.shadow import ShadowReport
from ringrift.evaluation.tournament import TournamentReport, mean_pairing_score


@render.register
def _(report: Ratings) -> Iterator[RenderableType]:
    table = Table("player", "Elo", "95 %", "games")
    table.columns[0].overflow = "fold"
    for column in table.columns[1:]:
        column.justify, column.no_wrap = "right", True
    for rating in report.players:
        reach = f"{rating.low:.0f} … {rating.high:.0f}"
        table.add_row(escape(rating.player), f"{rating.elo:.0f}", reach, f"{rating.games}")
    yield table
    for note in report.notes:
        yield escape(note)


@render.register
def _(report: DistillationReport) -> Iterator[RenderableType]:
    yield rendered(report.training)
    yield from map(escape, report.lines())


@render.register
def _(report: GauntletReport) -> Iterator[RenderableType]:
    yield escape(f"{report.config}: gauntlet of {report.model}, {report.games} games")
    table = Table("against", "games", "won", "lost", "drawn", "score", "95 %", "wanted", "Elo", "verdict")
    table.columns[0].overflow = "fold"
    for column in table.columns[1:-1]:
        column.justify = "right"
    for result in report.opponents:
        table.add_row(
            escape(result.role if result.role == result.opponent else f"{result.role} {result.opponent}"),
            *(f"{result.games}", f"{result.wins}", f"{result.losses}", f"{result.draws}", f"{result.score:.1%}"),
            f"{result.low:.1%} – {result.high:.1%}",
            result.wanted,
            "" if result.elo is None else str(result.elo),
            result.verdict,
        )
    yield table
    for note in report.notes:
        yield escape(note)
    yield "passed" if report.passed else f"not passed: {report.why}"


def table(report: MatchReport) -> RenderableType:
    """Return a table with a line per player."""
    share = "share" if len(report.players) == 2 else f"share (equal {1 / len(report.players):.1%})"
    table = _table("player", "won", share, "95 %", "points", "ms/decision")
    for player in report.players:
        table.add_row(
            _label(player),
            f"{player.won}",
            f"{player.share:.1%}",
            f"{player.low:.1%} – {player.high:.1%}",
            f"{player.points:+.3f}",
            "" if player.milliseconds is None else f"{player.milliseconds:.2f}",
        )
    return table


def seat_table(report: MatchReport) -> RenderableType:
    """Return a table with a line per player and seat."""
    table = _table("player", "seat", "games", "won", "share", "points")
    for player in report.players:
        for seat in player.seats:
            table.add_row(
                _label(player),
                f"{seat.seat}",
                f"{seat.games}",
                f"{seat.won}",
                f"{seat.won / seat.games:.1%}" if seat.games else "",
                f"{seat.points:+.3f}",
            )
    return table


@render.register
def _(report: MatchReport) -> Iterator[RenderableType]:
    yield report.title()
    yield table(report)
    yield from report.lines()


@render.register
def _(report: SequentialReport) -> Iterator[RenderableType]:
    verdict = report.verdict
    tested, against = escape(report.player), escape(report.opponent)
    yield f"{report.config}: {tested} against {against}, {report.games} games, {report.distinct} of them different"
    yield (
        f"scores {verdict.score:.1%} in {verdict.blocks} blocks; the log-likelihood ratio of "
        f"{report.settings.stronger:+g} to {report.settings.weaker:+g} Elo is {verdict.ratio:+.2f}, clear outside "
        f"{verdict.lower:.2f} … {verdict.upper:.2f}"
    )
    if verdict.stronger is None:
        yield f"not clear after {verdict.blocks} blocks, the most there are"
    else:
        yield f"{tested} is {'' if verdict.stronger else 'not '}the stronger"


@render.register
def _(report: ShadowReport) -> Iterator[RenderableType]:
    yield escape(f"{report.config}: shadow evaluation {report.number} of {report.model}")
    table = Table("against", "games", "score", "95 %")
    for column in table.columns[1:]:
        column.justify = "right"
    for result in report.results:
        table.add_row(
            escape(result.opponent), f"{result.games}", f"{result.score:.1%}", f"{result.low:.1%} – {result.high:.1%}"
        )
    yield table
    rating = report.ratings[report.model]
    yield f"Elo {rating.elo:.0f} ({rating.low:.0f} … {rating.high:.0f})"
    if report.regression is not None:
        yield escape(str(report.regression))
    for alarm in report.alarms:
        yield escape(f"alarm: {alarm}" + (" (raised before)" if report.raised_before else ""))


@render.register
def _(report: TournamentReport) -> Iterator[RenderableType]:
    games = sum(pairing.games for pairing in report.pairings)
    yield f"{report.config}: tournament {report.number} of {len(report.players)} players, {games} games"
    table = Table("", "player", "mean", "Elo", "95 %")
    table.columns[1].overflow = "fold"
    cross = Table("", *map(str, range(1, len(report.players) + 1)), title="scores of every player against every other")
    for column in (table.columns[0], *table.columns[2:], *cross.columns):
        column.justify, column.no_wrap = "right", True
    for place, player in enumerate(report.players, 1):
        elo, reach = "", ""
        if report.ratings is not None and player in report.ratings:
            rating = report.ratings[player]
            elo, reach = f"{rating.elo:.0f}", f"{rating.low:.0f} … {rating.high:.0f}"
        table.add_row(f"{place}", escape(player), f"{mean_pairing_score(report.pairings, player):.1%}", elo, reach)
        scores = ("–" if other == player else f"{report.score(player, other):.0%}" for other in report.players)
        cross.add_row(f"{place}", *scores)
    yield table
    yield cross
    for note in (*report.notes, *(report.ratings.notes if report.ratings else ())):
        yield escape(note)


def _table(*headings: str) -> Table:
    """Return an empty table with words to the left and numbers to the right."""
    table = Table()
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "player" else "right")
    return table


def _label(player: PlayerResult) -> str:
    return f"{player.name} {escape(player.spec)}"
