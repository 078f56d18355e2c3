"""Which host gets a job: one with the role, in service, with room for it, and not excluded by the work itself.

Plain functions on plain data. Who has which place is kept by `health.py`; what becomes of a job by `failover.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
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
class Needs:
    """The needs of a job, of which its host has to bear all."""

    gpus: int = 0
    """The number of GPUs that it locks."""
    without_gpu: bool = False
    """Whether a host without any GPU does as well."""
    gpu: str | None = None
    """Their type, such as H100; None for any."""
    config: str | None = None
    """The config that it plays or trains; None for none in particular."""
    memory_gb: float = 0


NO_NEEDS: Final = Needs()


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
    """The time at which a retired host is tried next."""


SOUND: Final = Condition()
"""The condition of a host that has never failed."""


class Memory(Protocol):
    """The notes that one try of a task leaves to the next, such as Airflow's store of a task."""

    def get(self, key: str) -> Any: ...

    def set(self, key: str, value: Any) -> None: ...

    def delete(self, key: str) -> None: ...


def best_place(
    job: str,
    role: Role,
    *,
    needs: Needs = NO_NEEDS,
    hosts: Mapping[str, Host],
    conditions: Mapping[str, Condition],
    taken: Collection[Place],
    excluded: Mapping[str, str] = NONE,
) -> Place:
    """Return the place that a job gets; `NoHost` says what each host lacks.

    Of the hosts that can take it, one that is no backup; of those, the one that has failed least recently; of those
    that have not failed lately, the one with the largest share of free slots; of those, the first by name.

    The cost grows with the hosts plus the places.

    :param conditions: of the hosts that have failed or are retired; others are sound.
    :param taken: the places of all jobs; one that the job itself has does not count.
    :param excluded: hosts that the job keeps away from, with the reason.
    """
    others = _by_host(place for place in taken if place.job != job)
    lacks: dict[str, str] = {}
    best: tuple[tuple[bool, int, float, str], tuple[int, ...]] | None = None
    for name, host in hosts.items():
        here, condition = others.get(name, ()), conditions.get(name, SOUND)
        free = _free_gpus(host, here)
        wanted = 0 if needs.without_gpu and not host.gpus else needs.gpus
        if why := cannot_bear(host, role, needs):
            lacks[name] = why
        elif name in excluded:
            lacks[name] = f"is avoided ({excluded[name]})"
        elif condition.retired is not None:
            lacks[name] = f"is retired ({condition.why})"
        elif len(here) >= host.slots:
            lacks[name] = f"has no free slot ({len(here)} of {host.slots} taken)"
        elif len(free) < wanted:
            lacks[name] = f"has {len(free)} of its {host.gpus} GPUs free, {wanted} are needed"
        else:
            failed = condition.failed or 0 if condition.failures else 0
            rank = (host.priority == "backup", failed, len(here) / host.slots, name)
            if best is None or rank < best[0]:
                best = rank, free[:wanted]
    if best is None:
        reasons = "; ".join(f"{name} {reason}" for name, reason in lacks.items()) or "there are none"
        raise NoHost(f"no host for {job}: {reasons}")
    (*_, name), numbers = best
    return Place(job, name, numbers)


def _by_host(taken: Iterable[Place]) -> dict[str, list[Place]]:
    """Return places by their host."""
    here: dict[str, list[Place]] = {}
    for place in taken:
        here.setdefault(place.host, []).append(place)
    return here


def _free_gpus(host: Host, here: Collection[Place]) -> tuple[int, ...]:
    """Return the numbers of the GPUs of a host that none of the jobs there has locked."""
    if not host.gpus:
        return ()
    locked = {gpu for place in here for gpu in place.gpus}
    return tuple(gpu for gpu in range(host.gpus) if gpu not in locked)


def cannot_bear(host: Host, role: Role, needs: Needs) -> str | None:
    """Return what a host lacks for a job however idle it is, in words after its name; None if nothing."""
    if role not in host.roles:
        return f"is not for {role}"
    if needs.config is not None and not host.bears(needs.config):
        return f"bears only {', '.join(host.configs or ())}, not {needs.config}"
    if host.memory_gb is not None and host.memory_gb < needs.memory_gb:
        return f"has {host.memory_gb:g} GB of memory, {needs.memory_gb:g} are needed"
    if needs.without_gpu and not host.gpus:
        return None
    if host.gpus < needs.gpus:
        return f"has {host.gpus} GPUs, {needs.gpus} are needed"
    if needs.gpus and needs.gpu is not None and host.gpu != needs.gpu:
        return f"has GPUs of the type {host.gpu or 'that is not named'}, {needs.gpu} is needed"
    return None


def never_placed(role: Role, needs: Needs, hosts: Mapping[str, Host], excluded: Mapping[str, str]) -> str | None:
    """Return why no host will ever take a job, in a line; None if one will."""
    lacks = {name: cannot_bear(host, role, needs) for name, host in hosts.items() if role in host.roles}
    large = [name for name, lack in lacks.items() if lack is None]
    if not large:
        reasons = "; ".join(f"{name} {lack}" for name, lack in lacks.items())
        return f"hosts.yaml: no host can bear this job of {role}: {reasons}"
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
