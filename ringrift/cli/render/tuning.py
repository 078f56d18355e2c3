"""Reports of tuning."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from ringrift.cli.render import render
from ringrift.tuning.training.population import MemberResult
from ringrift.tuning.training.report import PopulationReport, SearchReport, in_words, ranked, shown, trial_row


@render.register
def _(report: SearchReport) -> Iterator[RenderableType]:
    names = list(report.start)
    table = Table("trial", "state", report.fitness, "hold-out loss", *names, "run", "CPU s")
    for row in ranked(report.trials, report.fitness):
        style = "bold green" if row == report.best else None if row.state == "trained" else "dim"
        table.add_row(*map(escape, trial_row(row, names)), style=style)
    yield table
    yield from map(escape, report.lines())


@render.register
def _(report: PopulationReport) -> Iterator[RenderableType]:
    last = max((result.generation for result in report.results), default=0)
    names = list(report.results[0].values) if report.results else []
    table = Table("member", "from", report.fitness, *names, "model", title=f"generation {last}")
    for result in (result for result in report.results if result.generation == last):
        table.add_row(*map(escape, _member(result, names)), style="bold green" if result == report.best else None)
    yield table
    yield from map(escape, report.lines())


@render.register
def _(report: MemberResult) -> Iterator[RenderableType]:
    outcome = report.outcome
    fitness = "none" if outcome.fitness is None else f"{outcome.fitness:.4f}"
    yield escape(
        f"member {report.member} of generation {report.generation}: fitness {fitness}, model {outcome.model}, "
        f"{in_words(report.values)}"
    )


def _member(result: MemberResult, names: list[str]) -> tuple[str, ...]:
    outcome = result.outcome
    return (
        str(result.member),
        "–" if result.source is None else str(result.source),
        "–" if outcome.fitness is None else f"{outcome.fitness:.4f}",
        *(shown(result.values[name]) for name in names),
        outcome.model or outcome.ended,
    )
