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
from ringrift.fleet.sync import SyncReport


@render.register
def _(report: FleetCheck) -> Iterator[RenderableType]:
    first = ("host", "answers", "host key", "disk", "memory", "GPU")
    table = Table(*first, "clock", "Python", "ringrift", "jobs", "problems")
    for one in report.hosts:
        table.add_row(
            *(one.host, "no" if one.seconds is None else f"{1000 * one.seconds:.0f} ms"),
            "" if one.host_key is None else one.host_key.removeprefix("SHA256:")[:12] + "…",
            "" if one.free_disk_gb is None else f"{one.free_disk_gb:,.0f} GB",
            "" if one.memory_gb is None else f"{one.free_memory_gb:,.0f} of {one.memory_gb:,.0f} GB",
            escape("\n".join(one.gpus)),
            "" if one.clock_offset is None else f"{one.clock_offset:+.1f} s",
            one.python or "",
            "" if one.ringrift is None else f"{one.ringrift} ({one.release})",
            str(len(one.running)) if one.reachable else "",
            escape("\n".join(one.problems)),
            style="red" if one.problems else None,
        )
    yield table


@render.register
def _(report: FleetDeploy) -> Iterator[RenderableType]:
    table = Table("host", "release", "would be done" if report.dry_run else "done", "trouble")
    for one in report.hosts:
        trouble = f"{one.trouble} ({one.reaction})" if one.trouble else ""
        steps = ", ".join(one.steps) or ("" if one.trouble else "nothing: all is there")
        table.add_row(one.host, one.release, steps, escape(trouble), style="red" if one.trouble else None)
    yield table


@render.register
def _(report: FleetPace) -> Iterator[RenderableType]:
    table = Table("host", "CPU", "GPU", "GPU memory", "ahead", "processes", "working", "batch", "decided", "why")
    for one in report.hosts:
        plan = one.plan
        if plan is None:
            table.add_row(one.host, *[""] * 8, escape(one.trouble), style="red" if one.trouble else None)
            continue
        age = seconds_since(plan.decided, f"the plan of {one.host}")
        shares = ("" if share is None else f"{share:.0%}" for share in (plan.cpu, plan.gpu, plan.gpu_memory))
        ahead = "" if plan.ahead is None or plan.confidence is None else f"{plan.ahead:.0%}, {plan.confidence:.0%} sure"
        processes = ", ".join(f"{config} {count}" for config, count in plan.processes.items())
        table.add_row(
            *(one.host, *shares, ahead, escape(processes), f"{plan.working:.0%}", f"{plan.batch:.0%}"),
            "" if age is None else f"{age:.0f} s ago",
            escape(plan.why),
        )
    yield table


@render.register
def _(report: Distribution) -> Iterator[RenderableType]:
    yield f"{report.config}: champion {report.model}"
    table = Table("host", "outcome", "s", "remarks")
    for one in report.hosts:
        remark = f"{one.trouble} ({one.reaction})" if one.trouble else ""
        style = "red" if one.trouble else None
        table.add_row(one.host, one.outcome, f"{one.seconds:.1f}", escape(remark), style=style)
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
