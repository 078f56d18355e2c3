"""Reports of data sets."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from ringrift.cli.render import render
from ringrift.datasets.export import ExportReport, ShareReport
from ringrift.datasets.merge import DatasetMergeReport
from ringrift.datasets.quality import PARTS, Quality
from ringrift.datasets.validate import ValidationReport


@render.register
def _(report: ShareReport) -> Iterator[RenderableType]:
    kept = f", {report.kept:,} of them were there already" if report.kept else ""
    yield escape(
        f"{report.dataset}: share {report.share}: {report.samples:,} samples in {report.shards} shards{kept}, "
        f"{report.seconds:.1f} s"
    )


@render.register
def _(report: ExportReport) -> Iterator[RenderableType]:
    yield escape(
        f"{report.dataset}: {report.samples:,} samples, {report.policies:,} with a policy, of {report.games:,} games "
        f"in {report.shards} {'shard' if report.shards == 1 else 'shards'}, {report.bytes / 1e6:,.1f} MB, "
        f"{report.seconds:.1f} s, {report.samples / max(report.seconds, 1e-9):,.0f} samples/s"
        + (f"; {report.kept / report.samples:.0%} of them were there already" if report.kept else "")
    )
    table = Table("games that", "games")
    table.columns[1].justify = "right"
    for step in report.steps:
        table.add_row(escape(step.condition), f"{step.games:,}")
    yield table


@render.register
def _(report: DatasetMergeReport) -> Iterator[RenderableType]:
    several = f"{report.duplicates:,} games were in several"
    yield f"{report.dataset}: {report.samples:,} samples of {report.games:,} games; {several}"


@render.register
def _(report: ValidationReport) -> Iterator[RenderableType]:
    yield escape(f"{report.dataset}: {report.samples:,} samples, {'sound' if report.sound else 'NOT SOUND'}")
    table = Table("check", "verdict", "finding")
    for check in report.checks:
        table.add_row(check.name.replace("_", " "), check.verdict, escape(check.detail))
    yield table
    if any(report.quality.parts.values()):
        yield quality_table(report.quality)


def quality_table(quality: Quality) -> Table:
    """The quality of a data set for people."""
    single = ", ".join(f"{name} {value:.2f}" for name, value in quality.games.items())
    table = Table("quality", "score", "weight", "what", caption=f"of single games: {single}", caption_justify="left")
    for column in table.columns[1:3]:
        column.justify = "right"
    for name, meaning in PARTS.items():
        table.add_row(name, f"{quality.parts[name]:.2f}", f"{quality.weights[name]:.0%}", meaning)
    table.add_section()
    table.add_row("in all", f"{quality.score:.2f}", "100%", "")
    return table
