"""Metrics of the hosts, from their last reports, and of this machine, which is measured now."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil
from pydantic import ValidationError
from sqlalchemy import select

from ringrift.fleet.answers import GpuUsage, HostUsage
from ringrift.fleet.hosts import LOCAL
from ringrift.fleet.schema import host_rows
from ringrift.game_database.counters import Counted
from ringrift.monitoring.settings import MonitoringSettings
from ringrift.monitoring.view import Samples, View, label
from ringrift.resources.usage import Usage, cpu_usage, disk_usage, gpus, memory_usage

FIRST_LOOK: Final = 0.1
"""Seconds for which the processors are watched the first time; later, the use is that since the last look."""
KILOBYTE: Final = 1024

_looked: list[bool] = []
"""Whether this process has looked at its processors before; psutil keeps the counters of that time."""


@dataclass(frozen=True)
class Machine:
    """A host, with its last report."""

    name: str
    up: bool
    usage: HostUsage | None = None
    """The load that it has reported; None if it has not reported any, or not lately."""
    measured: float | None = None


def machine_metrics(view: View) -> Samples:
    """Yield the metrics of all hosts and of this machine; without hosts, this machine is the cluster."""
    here = Machine(LOCAL, True, local_usage(view.home), view.now)
    yield from _usage_metrics(view, here)
    if not view.hosts:
        yield from _cluster_metrics(view, [here])
        return
    rows = _rows(view)
    machines = [_machine(view, name, rows.get(name)) for name in view.hosts]
    for machine in machines:
        yield from _host_metrics(view, machine, rows.get(machine.name))
        yield from _usage_metrics(view, machine)
    yield from _cluster_metrics(view, machines)
    for host in view.hosts:
        for status in ("ok", "failed"):
            counter = view.counted("syncs").get(("", f"{host} {status}"), Counted(0, 0))
            yield "ringrift_syncs_total", (label(host), status), counter.total
            if status == "ok" and (age := view.age(counter.last)) is not None:
                yield "ringrift_sync_age_seconds", (label(host),), age


def local_usage(home: Path) -> HostUsage:
    """Return the load of this machine, in the form of the hosts' reports; its memory is that of the control group."""
    cpu = cpu_usage(None if _looked else FIRST_LOOK)
    _looked.append(True)
    return HostUsage(
        cpu=100 * cpu.share,
        cores=psutil.cpu_count() or 1,
        load=os.getloadavg()[0],
        memory=_kilobytes(memory_usage()),
        disk=_kilobytes(disk_usage(home)),
        gpu=[GpuUsage(gpu.busy, _megabytes(gpu.used), _megabytes(gpu.total)) for gpu in gpus()],
    )


def _kilobytes(usage: Usage | None) -> tuple[int, int] | None:
    """Return the total and the free kilobytes."""
    return None if usage is None else (int(usage.total) // KILOBYTE, int(usage.free) // KILOBYTE)


def _megabytes(size: int | None) -> int | None:
    return None if size is None else size >> 20


def _rows(view: View) -> Mapping[str, Any]:
    with view.database.reading() as connection:
        return {row.name: row for row in connection.execute(select(host_rows))}


def _machine(view: View, name: str, row: Any) -> Machine:
    silent = view.settings.silent_minutes * 60
    answered = None if row is None else view.age(row.answered)
    up = answered is not None and answered < silent and row.retired is None
    measured = None if row is None else view.age(row.measured)
    usage = None
    if measured is not None and measured < silent:
        try:
            usage = HostUsage.model_validate_json(row.usage or "null")
        except ValidationError:  # a database that was edited by hand
            usage = None
    return Machine(name, up, usage, None if row is None else row.measured)


def _host_metrics(view: View, machine: Machine, row: Any) -> Samples:
    labels = (label(machine.name),)
    yield "ringrift_host_up", labels, float(machine.up)
    yield "ringrift_host_failures", labels, 0 if row is None else row.failures
    if row is not None and (age := view.age(row.answered)) is not None:
        yield "ringrift_host_answer_age_seconds", labels, age


def _usage_metrics(view: View, machine: Machine) -> Samples:
    labels, usage = (label(machine.name),), machine.usage
    if usage is None:
        return
    if (age := view.age(machine.measured)) is not None:
        yield "ringrift_host_usage_age_seconds", labels, age
    if usage.cpu is not None:
        yield "ringrift_host_cpu_utilization_percent", labels, usage.cpu
    if usage.load is not None:
        yield "ringrift_host_load", labels, usage.load
    if usage.memory is not None and usage.memory[0]:
        yield "ringrift_host_memory_utilization_percent", labels, 100 * (1 - usage.memory[1] / usage.memory[0])
    if usage.disk is not None and usage.disk[0]:
        yield "ringrift_host_disk_utilization_percent", labels, 100 * (1 - usage.disk[1] / usage.disk[0])
        yield "ringrift_host_disk_free_bytes", labels, usage.disk[1] * KILOBYTE
    for number, gpu in enumerate(usage.gpu):
        yield from _gpu_metrics(view.settings, (*labels, str(number)), gpu)


def _gpu_metrics(settings: MonitoringSettings, labels: tuple[str, ...], gpu: GpuUsage) -> Samples:
    if gpu.busy is not None:
        yield "ringrift_gpu_utilization", labels, gpu.busy
    if gpu.used is not None and gpu.total:
        used = min(100.0, 100 * gpu.used / gpu.total)
        yield "ringrift_gpu_memory_utilization", labels, used
        status = (used >= settings.gpu_memory.high) + (used >= settings.gpu_memory.critical)
        yield "ringrift_gpu_memory_status", labels, status


def _cluster_metrics(view: View, machines: list[Machine]) -> Samples:
    yield "ringrift_hosts_configured", (), len(machines)
    yield "ringrift_hosts_active", (), sum(machine.up for machine in machines)
    known = [machine.usage for machine in machines if machine.up and machine.usage is not None]
    gpus = [gpu for usage in known for gpu in usage.gpu]
    cpu = _mean([(usage.cpu, usage.cores or 1) for usage in known])
    busy = _mean([(gpu.busy, 1) for gpu in gpus])
    gpu_memory = _share([(gpu.used, gpu.total) for gpu in gpus])
    memory = _share([(usage.memory[0] - usage.memory[1], usage.memory[0]) for usage in known if usage.memory])
    for name, value in (
        ("ringrift_cluster_cpu_utilization_percent", cpu),
        ("ringrift_cluster_gpu_utilization_percent", busy),
        ("ringrift_cluster_gpu_memory_utilization", gpu_memory),
        ("ringrift_cluster_memory_utilization_percent", memory),
    ):
        if value is not None:
            yield name, (), value
    target = view.settings.target
    for resource, value in (("cpu", cpu), ("gpu", busy)):
        if value is not None:
            yield f"ringrift_{resource}_in_target_range", (), float(target.low <= value <= target.high)
            yield "ringrift_optimization_action", (resource,), (value < target.low) - (value > target.high)


def _mean(values: list[tuple[float | None, int]]) -> float | None:
    """Return the weighted mean of the known values; None without any."""
    known = [(value, weight) for value, weight in values if value is not None]
    weights = sum(weight for _, weight in known)
    return sum(value * weight for value, weight in known) / weights if weights else None


def _share(values: list[tuple[int | None, int | None]]) -> float | None:
    """Return the use of all together, in percent, of those whose use and size are known."""
    known = [(used, total) for used, total in values if used is not None and total]
    total = sum(total for _, total in known)
    return min(100.0, 100 * sum(used for used, _ in known) / total) if total else None
