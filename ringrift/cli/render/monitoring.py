"""Reports of monitoring."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.markup import escape

from ringrift.cli.render import render
from ringrift.monitoring.health import HealthReport


@render.register
def _(report: HealthReport) -> Iterator[RenderableType]:
    hours = report.uptime_seconds / 3600
    hosts = f"{report.hosts_active} of {report.hosts_configured} hosts active"
    yield f"well; runs for {hours:,.1f} h; {hosts}" if report.healthy else f"[red]not well[/red]; {hosts}"
    yield from (f"- {escape(line)}" for line in (*report.reasons, *report.notes))
