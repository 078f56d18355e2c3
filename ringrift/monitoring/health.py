"""The health of the loop, a yes or no with reasons: for `/health`, and `ringrift health`."""

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
    """The health of the loop."""

    reasons: tuple[str, ...]
    """The reasons why it is not healthy, a line each; none if it is."""
    notes: tuple[str, ...]
    """Remarks that matter although the loop is healthy."""
    uptime_seconds: float
    hosts_active: int
    hosts_configured: int

    @property
    def healthy(self) -> bool:
        """Whether the loop is well."""
        return not self.reasons

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for machines."""
        return {"healthy": self.healthy} | asdict(self)


def health_report(inputs: MonitoringInputs) -> HealthReport:
    """Compute all metrics, and return whether the loop is well."""
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
    yield from dict.fromkeys(snapshot.faults.values())  # one fault of the database shows in several parts
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
        yield "the loop has not run here yet: `make up` or `ringrift loop` starts it"
        return
    (writer,), age = min(signs.items(), key=lambda sign: sign[1])
    yield f"the loop does not run: the last sign of life, of {writer}, is {age / 60:,.0f} minutes old"
