"""Reports of the fleet."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from ringrift.cli.render import render
from ringrift.clock import seconds_since
from ringrift.fleet.check import FleetCheck
from ringrift.fleet.deploy import FleetDeploy
from ringrift.fleet.distribution import Distribution
from ringrift.fleet.pace import FleetPace
from ringrift.fleet.renting import RentReport
from ringrift.fleet.sync import SyncReport


@render.register
def _(report: FleetCheck) -> Iterator[RenderableType]:
    first = ("host", "answers", "host key", "disk", "memory", "GPU")
    table = Table(*first, "clock", "Python", "ringrift", "jobs", "problems")
    for row in report.hosts:
        table.add_row(
            *(row.host, "no" if row.seconds is None else f"{1000 * row.seconds:.0f} ms"),
            "" if row.host_key is None else row.host_key.removeprefix("SHA256:")[:12] + "…",
            "" if row.free_disk_gb is None else f"{row.free_disk_gb:,.0f} GB",
            "" if row.memory_gb is None else f"{row.free_memory_gb:,.0f} of {row.memory_gb:,.0f} GB",
            escape("\n".join(row.gpus)),
            "" if row.clock_offset is None else f"{row.clock_offset:+.1f} s",
            row.python or "",
            "" if row.ringrift is None else f"{row.ringrift} ({row.release})",
            str(len(row.running)) if row.reachable else "",
            escape("\n".join(row.problems)),
            style="red" if row.problems else None,
        )
    yield table


@render.register
def _(report: FleetDeploy) -> Iterator[RenderableType]:
    table = Table("host", "release", "would be done" if report.dry_run else "done", "trouble")
    for row in report.hosts:
        trouble = f"{row.trouble} ({row.reaction})" if row.trouble else ""
        steps = ", ".join(row.steps) or ("" if row.trouble else "nothing: all is there")
        table.add_row(row.host, row.release, steps, escape(trouble), style="red" if row.trouble else None)
    yield table


@render.register
def _(report: FleetPace) -> Iterator[RenderableType]:
    table = Table("host", "CPU", "GPU", "GPU memory", "ahead", "processes", "working", "batch", "decided", "why")
    for row in report.hosts:
        plan = row.plan
        if plan is None:
            table.add_row(row.host, *[""] * 8, escape(row.trouble), style="red" if row.trouble else None)
            continue
        age = seconds_since(plan.decided, f"the plan of {row.host}")
        shares = ("" if share is None else f"{share:.0%}" for share in (plan.cpu, plan.gpu, plan.gpu_memory))
        ahead = "" if plan.ahead is None or plan.confidence is None else f"{plan.ahead:.0%}, {plan.confidence:.0%} sure"
        processes = ", ".join(f"{config} {count}" for config, count in plan.processes.items())
        table.add_row(
            *(row.host, *shares, ahead, escape(processes), f"{plan.working:.0%}", f"{plan.batch:.0%}"),
            "" if age is None else f"{age:.0f} s ago",
            escape(plan.why),
        )
    yield table


@render.register
def _(report: Distribution) -> Iterator[RenderableType]:
    yield f"{report.config}: champion {report.model}"
    table = Table("host", "outcome", "s", "remarks")
    for row in report.hosts:
        remark = f"{row.trouble} ({row.reaction})" if row.trouble else ""
        style = "red" if row.trouble else None
        table.add_row(row.host, row.outcome, f"{row.seconds:.1f}", escape(remark), style=style)
    yield table


@render.register
def _(report: SyncReport) -> Iterator[RenderableType]:
    table = Table("host", "new games", "files", "MB", "by", "s", "remarks")
    for column in table.columns[1:4]:
        column.justify = "right"
    for host in report.hosts:
        remarks = [f"{host.waiting} of {report.min_games} new games wait there"] if host.waiting else []
        remarks += [f"{host.again} files are fetched again in the next round"] if host.again else []
        remarks += [f"{host.removed} files removed there, {host.freed / 1e6:,.1f} MB"] if host.removed else []
        remarks += [host.refused] if host.refused else []
        remarks += [f"{host.trouble} ({host.reaction})"] if host.trouble else []
        size, seconds = f"{host.bytes / 1e6:,.1f}", f"{host.seconds:.1f}"
        table.add_row(
            *(host.host, f"{host.games:,}", f"{host.files}", size, host.way, seconds),
            escape("\n".join(remarks)),
            style="red" if host.trouble else None,
        )
    yield table
    for one in report.archives:
        yield escape(str(one))


@render.register
def _(report: RentReport) -> Iterator[RenderableType]:
    table = Table("host", "machine", "would be done" if report.dry_run else "done", "why")
    for row in report.decisions:
        table.add_row(row.name, row.machine or "", row.verb, escape(row.why))
    yield table
    cost = f"{len(report.rented)} rented now, ${report.dollars_per_hour:.2f} an hour; one more ${report.price:.2f}"
    yield escape(f"wanted: {report.wanted}. {cost}")
    yield from (f"[red]{escape(trouble)}" for trouble in report.troubles)
