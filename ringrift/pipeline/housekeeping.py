"""Housekeeping: the removal of obsolete files, kind by kind, with a reason for what stays.

Each kind has a function that lists its files; those that are old enough, and that nothing keeps, go. The kinds whose
removal costs least come first. A run that is killed is finished by the next one.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

import orjson

from ringrift.datasets.layout import BadDataset
from ringrift.datasets.manifest import SUFFIX, read_manifest
from ringrift.errors import Busy, RingRiftError
from ringrift.evaluation.store import ANSWERS, forget_games
from ringrift.files import new_file, take_lock
from ringrift.fleet.rentals import all_hosts
from ringrift.fleet.shell import LocalShell
from ringrift.fleet.site import JOBS
from ringrift.game import configs
from ringrift.game_database import GamesDatabase
from ringrift.game_database.sources import is_ingested
from ringrift.models import prune
from ringrift.models.settings import PruneSettings
from ringrift.pipeline.host_housekeeping import clean_jobs, cleaned_answers
from ringrift.pipeline.housekeeping_report import Cleaned, CleanReport
from ringrift.pipeline.housekeeping_settings import DAY, Age, HousekeepingSettings
from ringrift.pipeline.iteration import LoopInputs
from ringrift.pipeline.readiness import last_trained
from ringrift.resources import GuardSettings
from ringrift.resources.usage import GIGABYTE, disk_usage
from ringrift.run_context import Cancelled, RunContext
from ringrift.selfplay.files import DamagedFile, game_numbers
from ringrift.training.checkpoints import FOLDER as CHECKPOINTS

REPORT: Final = "report.json"
"""The file that a training writes last."""
PACKED: Final = ".jsonl.gz"
AIRFLOW: Final = Path("data/airflow")
"""The home of an Airflow that `make up` starts."""


@dataclass(frozen=True)
class CleanInputs:
    """The folders that housekeeping looks at, and its rules."""

    configs: tuple[LoopInputs, ...]
    """The folders of every config; the first one's hold for what belongs to none."""
    airflow: Path
    """The home of Airflow, which need not be there."""
    jobs: Path
    """The folder of the jobs of this machine, which need not be there."""
    prune: PruneSettings
    guard: GuardSettings

    @classmethod
    def around(cls, loop: LoopInputs, airflow: Path | None, prune: PruneSettings, guard: GuardSettings) -> Self:
        """Return the folders of all configs, those of a given one first; None stands for Airflow's usual home."""
        others = (replace(loop, config=f"{board}_{players}p") for board, players in configs())
        loops = (loop, *(other for other in others if other.config != loop.config))
        return cls(loops, airflow or AIRFLOW, Path(JOBS), prune, guard)


@dataclass(frozen=True)
class Thing:
    """A file or folder that may be obsolete."""

    path: Path
    kept: str | None
    """The reason that keeps it at any age; None if only its age decides."""
    age: float
    """Seconds since it was written."""
    remove: Callable[[Path], None]


def disk_is_full(folder: Path, guard: GuardSettings) -> bool:
    """Return whether a disk is so full that the guard warns of it."""
    disk = disk_usage(folder)
    return disk is not None and guard.disk.nearly_full(disk)


def clean(
    inputs: CleanInputs,
    context: RunContext[HousekeepingSettings],
    *,
    apply: bool,
    only_full: bool = False,
    as_full: bool = False,
) -> CleanReport:
    """Remove obsolete files, kind by kind; without `apply` only list what would go. `Cancelled`.

    With `only_full` nothing is looked at unless the disk is nearly full. With `as_full` the ages of a full disk
    apply in any case.
    """
    first, settings = inputs.configs[0], context.settings
    full = as_full or disk_is_full(first.runs, inputs.guard)
    disk = disk_usage(first.runs)
    told = "unknown" if disk is None else f"{disk.share:.0%} full, {disk.free / GIGABYTE:.1f} GB free"
    if only_full and not full:
        return CleanReport(apply, full, told, ())
    kinds = []
    for number, (kind, list_things) in enumerate(KINDS.items()):
        if context.cancelled:
            raise Cancelled(f"stopped before {kind}; the same command goes on")
        context.progress("cleaning", number, len(KINDS) + 3, kind.replace("_", " "))
        age: Age = getattr(settings, kind)
        kinds.append(_clean_kind(kind, list_things(inputs), age.seconds(full=full), apply))
    jobs = clean_jobs(LocalShell(), str(inputs.jobs.absolute()), settings.jobs.seconds(full=full), apply=apply)
    kinds += [
        asyncio.run(jobs),
        _clean_answers(settings.answers.seconds(full=full), apply),
        _clean_models(inputs, apply),
    ]
    return CleanReport(apply, full, told, tuple(kinds))


def _clean_kind(kind: str, things: Iterator[Thing], oldest: float, apply: bool) -> Cleaned:
    kept: Counter[str] = Counter()
    removed = freed = 0
    trouble = []
    for thing in things:
        why = thing.kept or (None if thing.age >= oldest else f"younger than {oldest / DAY:g} days")
        if why is not None:
            kept[why] += 1
            continue
        size = size_of(thing.path)
        if apply:
            try:
                thing.remove(thing.path)
            except (OSError, RingRiftError) as error:
                trouble.append(f"{thing.path}: {getattr(error, 'strerror', None) or error}")
                continue
        removed, freed = removed + 1, freed + size
    return Cleaned(kind, removed, freed, dict(kept), tuple(trouble))


def _clean_answers(oldest: float, apply: bool) -> Cleaned:
    """Remove games that this machine has played for evaluations of others."""
    if not ANSWERS.is_file():
        return Cleaned("answers", 0, 0, {})
    try:
        with GamesDatabase(str(ANSWERS)) as database:
            forgotten = forget_games(database, time.time() - oldest, apply=apply)
    except RingRiftError as error:
        return Cleaned("answers", 0, 0, {}, (str(error),))
    return cleaned_answers(forgotten, oldest)


def _clean_models(inputs: CleanInputs, apply: bool) -> Cleaned:
    report = prune(inputs.configs[0].store, inputs.prune, dry_run=not apply)
    return Cleaned("models", len(report.pruned), sum(model.bytes for model in report.pruned), report.kept)


def _checkpoints(inputs: CleanInputs) -> Iterator[Thing]:
    """Yield the checkpoints of all runs; those of a training that has not ended are what it goes on from."""
    for run in _runs(inputs):
        folder = run / CHECKPOINTS
        if folder.is_dir():
            kept = None if (run / REPORT).is_file() else "the training has not ended"
            yield Thing(folder, kept or _busy(run), _age(run / REPORT), shutil.rmtree)


def _raw_games(inputs: CleanInputs) -> Iterator[Thing]:
    """Yield the closed files of games of all workers."""
    others = set(all_hosts(inputs.configs[0].store.database)) - {inputs.configs[0].host, socket.gethostname()}
    for config in inputs.configs:
        untrained = last_trained(config.store, config.config) is None
        for path in sorted((config.selfplay / config.config).glob(f"*/*/*{PACKED}")):
            kept = None
            if path.parts[-3] in others:
                kept = "of a host that has it still, or may have"
            elif untrained:
                kept = "no model has learned from it yet"
            elif not is_ingested(config.database, path):
                kept = "not in the database"
            yield Thing(path, kept or _busy(path.parent), _age(path), _take_away)


def _intervals(inputs: CleanInputs) -> Iterator[Thing]:
    """Yield the folders of data sets of single intervals."""
    for folder in _folders(inputs.configs[0].datasets / "intervals"):
        yield Thing(folder, None, age_of_newest(folder), shutil.rmtree)


def _leftovers(inputs: CleanInputs) -> Iterator[Thing]:
    """Yield half-written files, and shards that no manifest names."""
    first = inputs.configs[0]
    for place in (first.selfplay.parent, first.store.folder):
        for path in sorted(place.rglob(".*.partial")):
            yield Thing(path, None, _age(path), Path.unlink)
    named, unreadable = set(), False
    for manifest in first.datasets.glob(f"*{SUFFIX}"):
        try:
            named |= {shard.name for shard in read_manifest(manifest).shards}
        except BadDataset:
            unreadable = True  # so it is not known which shards it names
    for shard in sorted(first.datasets.glob("*-*.npz")):
        if shard.name not in named and not shard.is_symlink():
            yield Thing(shard, "a manifest cannot be read" if unreadable else None, _age(shard), Path.unlink)


def _run_folders(inputs: CleanInputs) -> Iterator[Thing]:
    """Yield the folders of trainings; the next training looks there for the games that its parent has learned from."""
    store = inputs.configs[0].store
    needed = {model.training.get("run") for model in store.listed() if model.pruned is None}
    for run in _runs(inputs):
        kept = "its model is there" if run.name in needed else None
        if not (run / REPORT).is_file():
            kept = "the training has not ended"
        yield Thing(run, kept or _busy(run), age_of_newest(run), shutil.rmtree)


def _airflow_logs(inputs: CleanInputs) -> Iterator[Thing]:
    """Yield the log files of Airflow."""
    for path in sorted((inputs.airflow / "logs").rglob("*.log")):
        yield Thing(path, None, _age(path), _unlink_with_folder)


KINDS: Final[Mapping[str, Callable[[CleanInputs], Iterator[Thing]]]] = MappingProxyType(
    {
        "leftovers": _leftovers,
        "airflow_logs": _airflow_logs,
        "checkpoints": _checkpoints,
        "intervals": _intervals,
        "raw_games": _raw_games,
        "runs": _run_folders,
    }
)
"""The kinds by name, in the order in which they are cleaned."""


def _runs(inputs: CleanInputs) -> Iterator[Path]:
    for config in inputs.configs:
        yield from _folders(config.runs / config.config)


def _folders(place: Path) -> list[Path]:
    return sorted(path for path in place.iterdir() if path.is_dir()) if place.is_dir() else []


def _busy(folder: Path) -> str | None:
    """Return that a process works in a folder, in words; None if none holds its lock."""
    lock = folder / ".lock"
    if not lock.is_file():
        return None
    try:
        os.close(take_lock(lock, folder, Busy("a process works there")))
    except Busy as busy:
        return str(busy)
    return None


def _take_away(path: Path) -> None:
    """Remove a closed file of games; the numbers of its games stay, so that its worker does not play them again."""
    run = path.name.removesuffix(PACKED).rpartition("-")[0]
    try:
        numbers = sorted(game_numbers(path, run))
    except DamagedFile:
        if not path.exists():  # another process was quicker
            return
        raise
    with new_file(path.with_name(path.name.removesuffix(PACKED) + ".taken")) as file:
        file.write(orjson.dumps(numbers))
    path.unlink()


def _unlink_with_folder(path: Path) -> None:
    """Remove a file, and the folders around it that are empty then."""
    path.unlink()
    with suppress(OSError):
        for folder in path.parents:
            folder.rmdir()


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files below a folder."""
    with suppress(OSError):
        if not path.is_dir():
            return path.lstat().st_size
    return sum(size_of(Path(place, name)) for place, _, names in os.walk(path) for name in names)


def _age(path: Path) -> float:
    """Return the seconds since a file was written; 0 if it is not there, or its time lies in the future."""
    with suppress(OSError):
        return max(time.time() - path.stat().st_mtime, 0.0)
    return 0.0


def age_of_newest(folder: Path) -> float:
    """Return the seconds since the newest file below a folder was written."""
    return min((_age(Path(place, name)) for place, _, names in os.walk(folder) for name in names), default=_age(folder))
