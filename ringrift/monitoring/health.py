"""Whether the loop is well, as yes or no with reasons: for `/health`, and `ringrift health`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from ringrift.fleet.hosts import LOCAL
from ringrift.monitoring.snapshot import Snapshot, measure
from ringrift.monitoring.view import MonitoringInputs

FULL_DISK: Final = 95.0
"""Percent of the disk of this machine, from which on stages will fail."""


@dataclass(frozen=True)
class HealthReport:
    """The answer."""

    reasons: tuple[str, ...]
    """Why not, a line each; none if all is well."""
    notes: tuple[str, ...]
    """What one should know although all is well."""
    uptime_seconds: float
    hosts_active: int
    hosts_configured: int

    @property
    def healthy(self) -> bool:
        """Whether all is well."""
        return not self.reasons

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for machines."""
        return {"healthy": self.healthy} | asdict(self)


def health_report(inputs: MonitoringInputs) -> HealthReport:
    """Look at everything, and say whether the loop is well."""
    snapshot = measure(inputs)
    halted = bool(snapshot.values("ringrift_halted").get(()))
    return HealthReport(
        reasons=tuple(_reasons(snapshot, halted)),
        notes=("the loop is halted; `ringrift resume` ends that",) if halted else (),
        uptime_seconds=snapshot.values("ringrift_uptime_seconds").get((), 0.0),
        hosts_active=int(snapshot.values("ringrift_hosts_active").get((), 0)),
        hosts_configured=int(snapshot.values("ringrift_hosts_configured").get((), 0)),
    )


def _reasons(snapshot: Snapshot, halted: bool) -> Iterator[str]:
    yield from dict.fromkeys(snapshot.faults.values())  # what is wrong with the database is wrong in several parts
    if not halted and not snapshot.values("ringrift_uptime_seconds").get(()):
        yield from _dead(snapshot)
    configured = snapshot.values("ringrift_hosts_configured").get(())
    if configured and not snapshot.values("ringrift_hosts_active").get(()):
        yield f"none of {configured:.0f} hosts is active: `ringrift hosts check` says what is wrong with them"
    full = snapshot.values("ringrift_host_disk_utilization_percent").get((LOCAL,), 0.0)
    if full >= FULL_DISK:
        yield f"the disk of this machine is {full:.0f} % full"


def _dead(snapshot: Snapshot) -> Iterator[str]:
    signs = snapshot.values("ringrift_sign_age_seconds")
    if not signs:
        yield "nobody has run the loop here yet: `make up` or `ringrift loop` does"
        return
    (writer,), age = min(signs.items(), key=lambda one: one[1])
    yield f"nobody runs the loop: the last sign of life, of {writer}, is {age / 60:,.0f} minutes old"
