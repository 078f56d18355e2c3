"""Housekeeping on hosts: the files of work that was done there, once this machine has its results.

Jobs that ended long ago; runs whose model is here; models whose files were given up here; games that were played for
evaluations. A training that has not
ended, one whose model has not come, and the run from which the next training starts stay. Games have a way of their
own (`ringrift sync --prune`), since only whoever fetches them knows that they are safe.
"""

from __future__ import annotations

import asyncio
import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from ringrift.errors import RingRiftError
from ringrift.evaluation.store import ANSWERS, Forgotten
from ringrift.fleet.answers import FORGOTTEN, garbled
from ringrift.fleet.health import Health
from ringrift.fleet.host_files import HostFile, list_host_files, remove_host_files
from ringrift.fleet.hosts import Host, fleet_settings
from ringrift.fleet.jobs import list_jobs, sweep_jobs
from ringrift.fleet.outcome import note_answer, note_trouble
from ringrift.fleet.shell import Shell
from ringrift.fleet.site import shell_word
from ringrift.fleet.ssh import OpenConnection, SshShell, no_connections, open_shells
from ringrift.models import ModelStore
from ringrift.pipeline.housekeeping_report import Cleaned, HostCleaned
from ringrift.pipeline.housekeeping_settings import DAY, Age, HousekeepingSettings
from ringrift.pipeline.readiness import last_trained
from ringrift.resources.settings import RoomLimit
from ringrift.run_context import RunContext

HOME: Final = r"case $1 in \~) home=$HOME ;; \~/*) home=$HOME/${1#??} ;; *) home=$1 ;; esac" + "\n"
"""Shell that makes a path of the settings, its first argument, one of the host."""
FORGET_SECONDS: Final = 600.0
"""The time that a host may take to remove games from its database, and to make that smaller."""


@dataclass(frozen=True)
class _Store:
    """The facts of the store here about models, and about the runs that made them."""

    came: frozenset[tuple[str, str]]
    """The runs, by config and name, whose model has come here."""
    next_from: frozenset[tuple[str, str]]
    """The runs of the newest models, from which the next training starts."""
    pruned: frozenset[str]
    """The models whose files were given up."""


def clean_hosts(
    hosts: Mapping[str, Host],
    store: ModelStore,
    context: RunContext[HousekeepingSettings],
    health: Health,
    disk: RoomLimit,
    *,
    apply: bool,
    only_full: bool = False,
    connect: OpenConnection = no_connections,
) -> tuple[HostCleaned, ...]:
    """Clean hosts, all at once; without `apply` only list what would go. Trouble of a host is part of its report.

    :param disk: from which share on a disk counts as full.
    :param only_full: whether hosts whose disk is not full are left alone.
    """
    known = _known(store)
    resting = health.resting()
    awake = {name: host for name, host in hosts.items() if name not in resting}

    async def clean(shell: SshShell) -> HostCleaned:
        try:
            cleaned = await _clean_host(shell, known, context.settings, disk, apply=apply, only_full=only_full)
        except RingRiftError as error:
            reaction = await note_trouble(health, shell.name, error)
            return HostCleaned(shell.name, trouble=str(error), reaction=reaction.value)
        await note_answer(health, shell.name)
        return cleaned

    async def run() -> tuple[HostCleaned, ...]:
        async with open_shells(awake, fleet_settings().connection, connect) as shells:
            return tuple(await asyncio.gather(*map(clean, shells.values())))

    context.progress("cleaning", 0, 1, f"{len(awake)} hosts")
    return (*asyncio.run(run()), *(HostCleaned(name, trouble=f"{name}: {why}") for name, why in resting.items()))


def _known(store: ModelStore) -> _Store:
    listed = store.listed()
    newest = (last_trained(store, config) for config in {model.config for model in listed})
    return _Store(
        came=frozenset((model.config, str(model.training.get("run"))) for model in listed),
        next_from=frozenset((model.config, str(model.training.get("run"))) for model in newest if model is not None),
        pruned=frozenset(model.id for model in listed if model.pruned is not None),
    )


async def _clean_host(
    shell: SshShell, known: _Store, settings: HousekeepingSettings, limit: RoomLimit, *, apply: bool, only_full: bool
) -> HostCleaned:
    disk, files = await list_host_files(shell)
    full = limit.nearly_full(disk)
    if only_full and not full:
        return HostCleaned(shell.name)
    kinds = [
        await clean_jobs(shell, shell.host.jobs, settings.jobs.seconds(full=full), apply=apply),
        await _clean_files(shell, "runs", files, known, settings.checkpoints, full, apply),
        await _clean_files(shell, "models", files, known, settings.checkpoints, full, apply),
        await _clean_answers(shell, settings.answers.seconds(full=full), apply=apply),
    ]
    return HostCleaned(shell.name, full, tuple(kinds))


async def _clean_files(
    shell: SshShell, kind: str, files: list[HostFile], known: _Store, age: Age, full: bool, apply: bool
) -> Cleaned:
    """Remove obsolete runs or models of a host."""
    kept: Counter[str] = Counter()
    going = []
    for file in files:
        if f"{file.kind}s" != kind:
            continue
        if why := _kept(file, known, age, full):
            kept[why] += 1
        else:
            going.append(file)
    ends = await remove_host_files(shell, going) if apply and going else ["removed"] * len(going)
    for end in ends:
        if end == "kept":
            kept["a process works there"] += 1
    freed = [file.bytes for file, end in zip(going, ends, strict=True) if end == "removed"]
    return Cleaned(kind, len(freed), sum(freed), dict(kept))


def _kept(file: HostFile, known: _Store, age: Age, full: bool) -> str | None:
    """Return why a run or a model stays on its host; None if it goes."""
    if file.kind == "model":
        return None if file.name in known.pruned else "kept here, too, or not known here"
    run = file.config, file.name
    if run not in known.came:
        return "its model has not come here" if file.ended else "the training has not ended"
    if run in known.next_from:
        return "the next training starts from it"
    return None if file.age >= age.seconds(full=full) else f"younger than {age.seconds(full=full) / DAY:g} days"


async def _clean_answers(shell: SshShell, oldest: float, *, apply: bool) -> Cleaned:
    """Remove games that a host has played for evaluations, by its own program; trouble with that is its alone."""
    host = shell.host
    words = ["evaluations", "forget", "--days", f"{oldest / DAY:.6f}", *(["--apply"] if apply else []), "--json"]
    script = (
        f"set -- {shlex.join([host.home, str(ANSWERS)])}\n{HOME}"
        f'cd "$home" && [ -f "$2" ] || exit 0\n'
        f"RINGRIFT_HOME=$home exec {shell_word(host.program)} {shlex.join(words)}\n"
    )
    answer = await shell.run(script.encode(), seconds=FORGET_SECONDS)
    if answer.code:
        return Cleaned("answers", 0, 0, {}, (f"{ANSWERS}: {answer.complaint}",))
    if not answer.out:
        return Cleaned("answers", 0, 0, {})
    try:
        forgotten = Forgotten(**FORGOTTEN.validate_json(answer.out).model_dump())
    except ValidationError:
        raise garbled(shell.name, "what it has forgotten", answer.out.decode(errors="replace")) from None
    return cleaned_answers(forgotten, oldest)


def cleaned_answers(forgotten: Forgotten, oldest: float) -> Cleaned:
    """Return what has become of games that were played for evaluations of others."""
    kept = {f"of runs younger than {oldest / DAY:g} days": forgotten.kept} if forgotten.kept else {}
    return Cleaned("answers", forgotten.games, forgotten.bytes, kept)


async def clean_jobs(shell: Shell, root: str, oldest: float, *, apply: bool) -> Cleaned:
    """Remove the jobs of a machine that ended `oldest` seconds ago or earlier, with their logs."""
    there = await list_jobs(shell, root)
    swept = await sweep_jobs(shell, root, older_than=int(oldest), dry_run=not apply)
    left = len(there.keys() - swept.keys())
    kept = {f"they run, or ended less than {oldest / DAY:g} days ago": left} if left else {}
    return Cleaned("jobs", len(swept), sum(swept.values()), kept)
