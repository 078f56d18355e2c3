"""Reports of the loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from ringrift.cli.render import render
from ringrift.pipeline.allocation import AllocationReport
from ringrift.pipeline.curve import Curve
from ringrift.pipeline.housekeeping_report import Cleaned, CleanReport
from ringrift.pipeline.iteration import Iteration
from ringrift.pipeline.status import Status
from ringrift.pipeline.switches import SwitchCurves


@render.register
def _(report: Curve) -> Iterator[RenderableType]:
    table = Table("model", "games", "iteration", "CPU hours", *report.forms, "promoted", title=report.config)
    for column in table.columns[1:-1]:
        column.justify = "right"
    for point in report.points:
        rated = (point.elo.get(form) for form in report.forms)
        table.add_row(
            point.model,
            f"{point.games:,}",
            "" if point.iteration is None else f"{point.iteration}",
            "" if point.cpu_hours is None else f"{point.cpu_hours:.2f}",
            *("" if elo is None else f"{elo[0]:.0f} ({elo[1]:.0f} … {elo[2]:.0f})" for elo in rated),
            "yes" if point.promoted else "",
        )
    yield table
    yield "anchors: " + ", ".join(f"{name} {elo:.0f}" for name, elo in report.anchors.items())


@render.register
def _(report: SwitchCurves) -> Iterator[RenderableType]:
    table = Table("loop", "model", "games", "CPU hours", report.form, title=report.config)
    for column in table.columns[2:]:
        column.justify = "right"
    for name in report.curves:
        for point, hours in report.points(name):
            elo, low, high = point.elo[report.form]
            table.add_row(
                escape(name), point.model, f"{point.games:,}", f"{hours:.2f}", f"{elo:.0f} ({low:.0f} … {high:.0f})"
            )
    yield table
    yield f"players that do not change are rated at most {report.anchors_apart:.0f} Elo apart in these loops"


@render.register
def _(report: AllocationReport) -> Iterator[RenderableType]:
    table = Table("config", "before", "weight", "games", "why")
    for column in table.columns[1:4]:
        column.justify = "right"
    for row in report.weights:
        before = f"{report.before[row.config]:.2f}" if row.config in report.before else ""
        table.add_row(row.config, before, f"{row.weight:.2f}", f"{row.games:,}", escape(row.why))
    yield table


@render.register
def _(report: CleanReport) -> Iterator[RenderableType]:
    if report.kinds:
        done = "freed" if report.applied else "would be freed, with --apply"
        full = "; it is full: the shorter ages of housekeeping.yaml hold" if report.full else ""
        yield f"{report.bytes / 1e6:,.1f} MB {done}; the disk was {report.disk}{full}"
        yield from _cleaned(report.kinds, report.applied)
    else:
        yield f"nothing is cleaned before the disk is nearly full (resources.yaml: disk.warn); it is {report.disk}"
    for host in report.hosts:
        if host.kinds:
            yield f"{host.host}, whose disk is full" if host.full else host.host
            yield from _cleaned(host.kinds, report.applied)
        elif host.trouble:
            yield escape(f"{host.trouble} {host.reaction}".strip())


def _cleaned(kinds: Sequence[Cleaned], applied: bool) -> Iterator[RenderableType]:
    table = Table("kind", "removed" if applied else "to remove", "MB", "kept, and why")
    for column in table.columns[1:3]:
        column.justify = "right"
    for kind in kinds:
        kept = ", ".join(f"{count} {why}" for why, count in kind.kept.items())
        table.add_row(kind.kind.replace("_", " "), f"{kind.removed}", f"{kind.bytes / 1e6:,.1f}", escape(kept))
    yield table
    for kind in kinds:
        yield from (escape(line) for line in kind.trouble)


@render.register
def _(report: Iteration) -> Iterator[RenderableType]:
    table = Table("stage", "", "seconds", "CPU s", title=f"{report.config}, iteration {report.number}")
    for column in table.columns[2:]:
        column.justify = "right"
    for name, result in report.stages.items():
        table.add_row(name, escape(result.line), f"{result.seconds:,.1f}", f"{result.cpu_seconds:,.1f}")
    yield table


@render.register
def _(report: Status) -> Iterator[RenderableType]:
    if report.halted:
        yield escape(report.halted)
    if not report.configs:
        yield "nothing yet: `ringrift loop square8_2p` begins"
        return
    for name, lines in (
        *((row.config, row.lines()) for row in report.configs),
        *(() if report.loop is None else (("in all", report.loop.lines()),)),
    ):
        yield f"[bold]{name}[/bold]"
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for title, text in lines:
            table.add_row(f"  {title}", escape(text))
        yield table
