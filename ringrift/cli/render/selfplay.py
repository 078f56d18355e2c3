"""Reports of self-play."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from ringrift.cli.render import render
from ringrift.selfplay.report import SelfPlayReport


def table(report: SelfPlayReport) -> RenderableType:
    """The players and what they have won."""
    table = Table("player")
    for heading in ("seats", "won", "share"):
        table.add_column(heading, justify="right")
    for engine in report.engines:
        table.add_row(escape(engine.spec), f"{engine.seats}", f"{engine.won}", f"{engine.won / engine.seats:.1%}")
    return table


@render.register
def _(report: SelfPlayReport) -> Iterator[RenderableType]:
    done = f"{report.games} games" + (f" after {report.games_before}" if report.games_before else "")
    unfinished = "" if report.complete else ", not all that were asked for"
    yield f"{report.config}, run {report.run}: {done} in {report.seconds:.1f} s{unfinished}"
    if report.games:
        yield f"{report.games_per_second:.2f} games/s, {report.moves_per_second:,.0f} moves/s," + (
            f" {report.network_share:.0%} of the time in the network"
        )
        yield table(report)
        yield from report.lines()
    yield f"games are in {report.folder}"
