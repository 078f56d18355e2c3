"""Reports of training."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from ringrift.cli.render import render
from ringrift.training.energy import EnergyReport
from ringrift.training.hard_positions import HardPositionsReport
from ringrift.training.holdout import HoldoutReport
from ringrift.training.preflight import PreflightReport
from ringrift.training.reanalysis import ReanalysisReport
from ringrift.training.report import LOSS_HEADINGS, TrainingReport, loss_row


@render.register
def _(report: PreflightReport) -> Iterator[RenderableType]:
    table = Table("check", "", "measured", "limit")
    for check in report.checks:
        table.add_row(check.name, check.verdict, escape(check.measured), escape(check.limit))
    yield table
    failed = ", ".join(check.name for check in report.checks if check.verdict == "failed")
    yield f"{report.config}: " + (f"NOT READY to train: {failed}" if failed else "ready to train")


@render.register
def _(report: HoldoutReport) -> Iterator[RenderableType]:
    yield f"{report.config}: {report.model} on {report.samples:,} samples of games held out"
    table = Table("", "held out", "training")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, value in report.holdout.items():
        table.add_row(name, f"{value:.4f}", "" if report.training is None else f"{report.training[name]:.4f}")
    yield table
    if report.gap is not None:
        yield f"gap of the policy loss {report.gap:+.3f}, it warns above {report.gap_bound:g}"
    if report.calibration is not None:
        yield f"error of calibration {report.calibration.ece:.3f}, of which {report.calibration.noise:.3f} may be noise"
    if report.regression is not None:
        yield f"regression set {report.regression.trial}"
    yield from (escape(f"warning: {warning}") for warning in report.warnings())


@render.register
def _(report: TrainingReport) -> Iterator[RenderableType]:
    yield escape(f"run {report.facts.run}")
    yield from map(escape, report.lines())
    table = Table(*LOSS_HEADINGS)
    for column in table.columns[1:]:
        column.justify = "right"
    for loss in report.losses:
        table.add_row(*loss_row(loss))
    yield table
    yield from (escape(f"warning: {warning}") for warning in report.warnings())


@render.register
def _(report: ReanalysisReport) -> Iterator[RenderableType]:
    yield from map(escape, report.lines())


@render.register
def _(report: EnergyReport) -> Iterator[RenderableType]:
    yield from map(escape, report.lines())


@render.register
def _(report: HardPositionsReport) -> Iterator[RenderableType]:
    yield from map(escape, report.lines())
