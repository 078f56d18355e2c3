"""Which host gets a job: one with the role, in service, with room for it, and not excluded by the work itself.

Plain functions on plain data. Who has which place is kept by `health.py`; what becomes of a job by `failover.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Protocol

from ringrift.errors import RingRiftError
from ringrift.fleet.hosts import Host, Role

NONE: Final[Mapping[str, str]] = MappingProxyType({})
EXCLUDED: Final = "excluded_hosts"
"""The key under which a task remembers the hosts that it keeps away from."""


class NoHost(RingRiftError):
    """No host can take a job now; the message says why for each host."""


@dataclass(frozen=True)
class Place:
    """A job's place on a host."""

    job: str
    host: str
    gpus: tuple[int, ...]
    """The numbers of its GPUs there."""


@dataclass(frozen=True)
class Condition:
    """The health of a host; moments are in seconds since 1970."""

    failures: int = 0
    """The failures in a row."""
    failed: int | None = None
    why: str | None = None
    answered: int | None = None
    retired: int | None = None
    """None for a host in service."""
    probes: int = 0
    probe: int | None = None
    """When a retired host is tried next."""


class Memory(Protocol):
    """What one try of a task leaves to the next, such as Airflow's store of a task."""

    def get(self, key: str) -> Any: ...

    def set(self, key: str, value: Any) -> None: ...

    def delete(self, key: str) -> None: ...


def best_place(
    job: str,
    role: Role,
    *,
    gpus: int,
    hosts: Mapping[str, Host],
    conditions: Mapping[str, Condition],
    taken: Collection[Place],
    excluded: Mapping[str, str] = NONE,
) -> Place:
    """Return the place that a job gets; `NoHost` says what each host lacks.

    Of the hosts that can take it, the one that has failed least recently; of those that have not failed lately, the
    one with the largest share of free slots; of those, the first by name.

    :param conditions: of every host.
    :param taken: the places of all jobs; one that the job itself has does not count.
    :param excluded: hosts that the job keeps away from, with the reason.
    """
    lacks: dict[str, str] = {}
    fit: list[tuple[int, float, str, tuple[int, ...]]] = []
    for name, host in hosts.items():
        here = [place for place in taken if place.host == name and place.job != job]
        free = sorted(set(range(host.gpus)) - {gpu for place in here for gpu in place.gpus})
        condition = conditions[name]
        if role not in host.roles:
            lacks[name] = f"is not for {role}"
        elif name in excluded:
            lacks[name] = f"is avoided ({excluded[name]})"
        elif condition.retired is not None:
            lacks[name] = f"is retired ({condition.why})"
        elif len(here) >= host.slots:
            lacks[name] = f"has no free slot ({len(here)} of {host.slots} taken)"
        elif len(free) < gpus:
            lacks[name] = f"has {len(free)} of its {host.gpus} GPUs free, {gpus} are needed"
        else:
            failed = condition.failed or 0 if condition.failures else 0
            fit.append((failed, len(here) / host.slots, name, tuple(free[:gpus])))
    if not fit:
        reasons = "; ".join(f"{name} {reason}" for name, reason in lacks.items()) or "there are none"
        raise NoHost(f"no host for {job}: {reasons}")
    _, _, name, numbers = min(fit)
    return Place(job, name, numbers)


def never_placed(role: Role, gpus: int, hosts: Mapping[str, Host], excluded: Mapping[str, str]) -> str | None:
    """Return why no host will ever take a job, in a line; None if one will."""
    large = [name for name, host in hosts.items() if role in host.roles and host.gpus >= gpus]
    if not large:
        return f"hosts.yaml: no host with the role {role} has {gpus} GPUs, which the job needs"
    if all(name in excluded for name in large):
        return f"no host is fit for {role}: " + "; ".join(f"{name}: {why}" for name, why in excluded.items())
    return None


class ExcludedHosts:
    """The hosts that were unfit for a task, which its later tries keep away from for a while."""

    def __init__(self, memory: Memory, minutes: float, clock: Callable[[], float] = time.time) -> None:
        self._memory = memory
        self._seconds = 60 * minutes
        self._clock = clock

    @property
    def entries(self) -> dict[str, list[Any]]:
        """The reason and the end of each exclusion, in seconds since 1970, by host."""
        entries = self._memory.get(EXCLUDED)
        return entries if isinstance(entries, dict) else {}

    def now(self) -> dict[str, str]:
        """Return the hosts that are excluded now, and why."""
        return still_excluded(self.entries, self._clock())

    def add(self, host: str, why: str) -> None:
        """Exclude a host from now on."""
        self._memory.set(EXCLUDED, {**self.entries, host: [why, self._clock() + self._seconds]})

    def clear(self) -> None:
        """Take any host again."""
        self._memory.delete(EXCLUDED)


def still_excluded(entries: Mapping[str, Sequence[Any]], now: float) -> dict[str, str]:
    """Return the hosts whose exclusion is not over at a moment, and why they are excluded."""
    return {host: why for host, (why, until) in entries.items() if now < until}
