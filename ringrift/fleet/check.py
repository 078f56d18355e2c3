"""The state of all hosts, and what is wrong with each: `ringrift hosts check`."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from ringrift.errors import RingRiftError
from ringrift.fleet.answers import HostFacts, host_facts
from ringrift.fleet.health import Health
from ringrift.fleet.hosts import CheckSettings, FleetSettings, Host
from ringrift.fleet.jobs import State, list_jobs
from ringrift.fleet.outcome import note_answer, note_trouble
from ringrift.fleet.shell import JobTrouble
from ringrift.fleet.ssh import Reaction, SshShell, Unusable, open_shells
from ringrift.fleet.usage import note_usage
from ringrift.version import code_version

SCRIPT: Final = Path(__file__).with_name("facts.sh").read_bytes()
OLDEST_PYTHON: Final = (3, 11)


@dataclass(frozen=True)
class HostCheck:
    """One host; what is not known is None."""

    host: str
    reachable: bool
    host_key: str | None = None
    """Its fingerprint, if it is the one that is known here."""
    seconds: float | None = None
    """The seconds that a question and its answer take."""
    free_disk_gb: float | None = None
    memory_gb: float | None = None
    free_memory_gb: float | None = None
    cores: int | None = None
    load: float | None = None
    gpus: tuple[str, ...] = ()
    """Type, driver and memory of each."""
    clock_offset: float | None = None
    """Seconds that its clock is ahead of ours."""
    python: str | None = None
    ringrift: str | None = None
    release: str | None = None
    """The code that was deployed there last."""
    rsync: bool = False
    running: tuple[str, ...] = ()
    """Names of jobs."""
    problems: tuple[str, ...] = ()
    reaction: str = ""
    """The advice for a host that cannot be reached or used."""


@dataclass(frozen=True)
class FleetCheck:
    """All hosts."""

    hosts: tuple[HostCheck, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not any(host.problems for host in self.hosts)

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON for programs."""
        return {"sound": self.sound} | asdict(self)


def check_hosts(hosts: Mapping[str, Host], settings: FleetSettings, *, health: Health | None = None) -> FleetCheck:
    """Ask all hosts at once what they have; the answers count for their health."""

    async def run() -> FleetCheck:
        async with open_shells(hosts, settings.connection) as shells:
            checks = await asyncio.gather(*(check_host(shell, settings.check, health) for shell in shells.values()))
            return FleetCheck(tuple(checks))

    return asyncio.run(run())


async def check_host(shell: SshShell, settings: CheckSettings, health: Health | None = None) -> HostCheck:
    """Ask one host what it has."""
    try:
        check = await _ask(shell, settings)
        jobs = await list_jobs(shell, shell.host.jobs)
    except RingRiftError as error:
        reaction = await note_trouble(health, shell.name, error)
        reachable = not isinstance(error, Unusable) and reaction is Reaction.ELSEWHERE
        return HostCheck(shell.name, reachable, problems=(str(error),), reaction=reaction.value)
    running = tuple(name for name, state in jobs.items() if state is State.RUNNING)
    await note_answer(health, shell.name)
    if health is not None:
        await asyncio.to_thread(health.reconcile, shell.name, running)
        with suppress(RingRiftError):  # a host that has answered and is gone now, is noticed by the next
            check = replace(check, problems=(*check.problems, *await note_usage(shell, shell.name, shell.host, health)))
    return replace(check, running=running)


async def _ask(shell: SshShell, settings: CheckSettings) -> HostCheck:
    host = shell.host
    connection = await shell.connected()
    key = connection.get_server_host_key()
    words = shlex.join([host.code, host.home, host.python])
    began, started = time.time(), time.monotonic()
    answer = await shell.run(f"set -- {words}\n".encode() + SCRIPT)
    seconds = time.monotonic() - started
    if answer.code or answer.out.splitlines()[-1:] != [b"end"]:
        raise JobTrouble(f"{shell.name}: cannot say what it has: {answer.complaint}")
    facts, remarks = host_facts(answer.out)
    total, available = facts.memory or (None, None)
    check = HostCheck(
        host=shell.name,
        reachable=True,
        host_key=None if key is None else key.get_fingerprint(),
        seconds=seconds,
        free_disk_gb=_gigabytes(facts.disk),
        memory_gb=_gigabytes(total),
        free_memory_gb=_gigabytes(available),
        cores=facts.cores,
        load=facts.load,
        gpus=tuple(facts.gpu),
        clock_offset=None if facts.clock is None else facts.clock - began - seconds / 2,
        python=facts.python,
        ringrift=facts.ringrift,
        release=facts.release,
        rsync=facts.rsync is not None,
    )
    return replace(check, problems=(*remarks, *_problems(check, facts, host, settings)))


def _problems(check: HostCheck, facts: HostFacts, host: Host, settings: CheckSettings) -> Iterator[str]:
    if host.works:
        yield from _lacks_for_work(check, facts, host)
    if check.free_disk_gb is not None and check.free_disk_gb < settings.free_disk_gb:
        yield f"{check.free_disk_gb:.1f} GB of disk are free, {settings.free_disk_gb:g} are wanted"
    if check.clock_offset is not None and abs(check.clock_offset) > settings.clock_seconds:
        yield f"its clock is wrong by {check.clock_offset:+.0f} s: is it kept by NTP?"
    if host.memory_gb and check.memory_gb is not None and check.memory_gb < 0.9 * host.memory_gb:
        yield f"it has {check.memory_gb:.0f} GB of memory, and hosts.yaml says {host.memory_gb:g}"


def _lacks_for_work(check: HostCheck, facts: HostFacts, host: Host) -> Iterator[str]:
    """Yield what a host lacks that is to do work, which an archive is not."""
    if check.python is None:
        yield f"there is no {host.python}: install Python 3.11 or newer"
    elif tuple(map(int, check.python.split(".")))[:2] < OLDEST_PYTHON:
        yield f"Python {check.python} is too old: 3.11 or newer is needed"
    if check.ringrift is None:
        yield f"there is no ringrift in {host.code}: `ringrift hosts deploy {check.host}`"
    elif check.ringrift != code_version():
        yield f"ringrift {check.ringrift}, and {code_version()} here: `ringrift hosts deploy {check.host}`"
    if facts.bash is None:
        yield "there is no bash, without which no job can run"
    if host.gpus and facts.flock is None:
        yield "there is no flock (package util-linux), without which no job can lock its GPU"
    if len(check.gpus) < host.gpus:
        yield f"it has {len(check.gpus)} GPUs, and hosts.yaml says {host.gpus}: is the driver there? see nvidia-smi"
    elif host.gpu and not any(host.gpu.lower() in gpu.lower() for gpu in check.gpus):
        yield f"its GPU is {check.gpus[0]}, and hosts.yaml says {host.gpu}"


def _gigabytes(kilobytes: int | None) -> float | None:
    return None if kilobytes is None else kilobytes * 1024 / 1e9
