"""Checks before a training: is everything there and sound, and is there room?

A training takes hours; what would stop it at the end, or spoil it in silence, is better known before it begins.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
import torch
from sqlalchemy import text

from ringrift.datasets import Dataset, Manifest, open_dataset
from ringrift.datasets.manifest import HOLDOUT, find_manifest, manifest_path
from ringrift.datasets.settings import QualitySettings
from ringrift.datasets.validate import CHECKS as DATASET_CHECKS
from ringrift.datasets.validate import validate
from ringrift.errors import RingRiftError
from ringrift.game import parse_config
from ringrift.game_database import GamesDatabase
from ringrift.game_database.selection import count_parts
from ringrift.networks import NetworkConfig, load_model, parameter_count
from ringrift.run_context import Progress, RunContext
from ringrift.training.checkpoints import FOLDER, checkpoints, load_checkpoint
from ringrift.training.memory_estimate import checkpoint_bytes, process_bytes, step_bytes
from ringrift.training.thresholds import AtLeast, PreflightSettings, Verdict
from ringrift.training.transfer import may_start_from


@dataclass(frozen=True)
class PlannedTraining:
    """Everything that a training is going to use."""

    config: str
    architecture: str
    features: str
    """The feature version that the network reads."""
    batch: int
    """Samples in one pass through the network."""
    dataset: Path
    """The manifest of the data set, with or without `.json`."""
    runs: Path
    """The folder of all runs; need not be there yet."""
    run: Path | None = None
    """The folder of this run, which need not be there yet; None if the data set that decides it cannot be read."""
    database: str | None = None
    """URL or path of the games database; None for that of the settings."""
    parent: Path | None = None
    """The model that it starts from."""
    needs_gpu: bool = False

    @property
    def network(self) -> NetworkConfig:
        """The network to train."""
        board, players = parse_config(self.config)
        return NetworkConfig.of(self.architecture, board.name, players, self.features)


@dataclass(frozen=True)
class PreflightCheck:
    """The result of one check."""

    name: str
    verdict: Verdict
    measured: str
    limit: str = ""
    """The demand, in words."""


@dataclass(frozen=True)
class PreflightReport:
    """The results of all checks."""

    config: str
    checks: tuple[PreflightCheck, ...]

    @property
    def ready(self) -> bool:
        """Whether nothing failed."""
        return all(check.verdict != "failed" for check in self.checks)

    @property
    def why(self) -> str:
        """The reason that keeps the training from beginning, in a line; empty if there is none."""
        return "; ".join(f"{check.name}: {check.measured}" for check in self.checks if check.verdict == "failed")

    def to_json(self) -> dict[str, Any]:
        """Return the report for machines."""
        return asdict(self) | {"ready": self.ready, "why": self.why}


def preflight(
    planned: PlannedTraining,
    context: RunContext[PreflightSettings],
    *,
    verify: bool = False,
    quality: QualitySettings | None = None,
) -> PreflightReport:
    """Check everything that a training needs; `UnknownConfig` if there is no such network.

    `verify` reads the whole data set and compares its checksums. With settings of quality, the data set is also asked
    everything that `ringrift dataset validate` asks, which reads it, too.
    """
    settings, network = context.settings, planned.network
    checks: list[PreflightCheck] = []
    steps: tuple[tuple[str, Callable[[], list[PreflightCheck]]], ...] = (
        ("games database", lambda: [_database(planned)]),
        ("data set", lambda: _data(planned, settings)),
        ("checksums", lambda: [_checksums(planned, context.progress)] if verify else []),
        ("validity", lambda: [] if quality is None else _validity(planned, context.with_settings(quality))),
        ("disk", lambda: [_disk(planned.runs, network, settings)]),
        ("memory", lambda: [_memory(network, planned.batch, settings)]),
        ("GPU", lambda: [_gpu(planned.needs_gpu, settings)]),
        ("checkpoint", lambda: [_checkpoint(planned.run)] if planned.run else []),
        ("parent model", lambda: [_parent(planned.parent, network)]),
    )
    for number, (name, check) in enumerate(steps):
        context.progress(f"checking {name}", number, len(steps))
        try:
            checks += check()
        except RingRiftError as error:
            checks.append(PreflightCheck(name, "failed", str(error)))
    return PreflightReport(planned.config, tuple(checks))


def _database(planned: PlannedTraining) -> PreflightCheck:
    """Check that the database opens with its schema up to date, and that its file is whole."""
    with GamesDatabase(planned.database) as database:
        complaints: list[str] = []
        if database.is_sqlite:
            with database.reading() as connection:
                complaints = list(connection.execute(text("PRAGMA quick_check(1)")).scalars())
        training, holdout = count_parts(database).get(planned.config, (0, 0))
    wrong = [" ".join(complaint.split()) for complaint in complaints if complaint != "ok"]
    if wrong:
        return PreflightCheck("games database", "failed", f"{wrong[0]}; `ringrift games check` tells more", "sound")
    return PreflightCheck(
        "games database", "ok", f"sound; {training:,} games for training, {holdout:,} held out", "sound"
    )


def _data(planned: PlannedTraining, settings: PreflightSettings) -> list[PreflightCheck]:
    """Check that there is enough of the data set and of the games held out, and that the network can read them."""
    parts = _parts(planned)
    dataset = parts[0]
    checks = [
        _count("games for training", dataset.manifest.games, settings.games),
        _count("samples", dataset.samples, settings.samples),
        _count("games held out", parts[1].manifest.games if len(parts) > 1 else 0, settings.holdout_games),
    ]
    checks += [
        _features(part.manifest, planned, kind) for part, kind in zip(parts, ("training", "holdout"), strict=False)
    ]
    return checks


def _count(name: str, number: int, bounds: AtLeast) -> PreflightCheck:
    return PreflightCheck(name, bounds.verdict(number), f"{number:,}", str(bounds))


def _parts(planned: PlannedTraining) -> list[Dataset]:
    """Open the data set, and the one that is held out if there is one."""
    path = find_manifest(planned.dataset)
    holdout = manifest_path(path.parent, path.stem + HOLDOUT)
    return [open_dataset(part) for part in (path, holdout) if part == path or holdout.is_file()]


def _features(manifest: Manifest, planned: PlannedTraining, part: str) -> PreflightCheck:
    """Check that a data set is encoded as the network reads it, and that no game held out is learned from."""
    made = f"{manifest.config} as {manifest.encoder}, {manifest.part}"
    wanted = f"{planned.config} as {planned.features}, {part}"
    name = "features" if part == "training" else "features held out"
    return PreflightCheck(name, "ok" if made == wanted else "failed", made, wanted)


def _checksums(planned: PlannedTraining, progress: Progress) -> PreflightCheck:
    """Check that every file of the data set and of the games held out is what was written."""
    parts = _parts(planned)
    for part in parts:
        part.verify(progress)
    return PreflightCheck(
        "checksums", "ok", f"{sum(len(part.paths) for part in parts)} files as they were written", "all"
    )


def _validity(planned: PlannedTraining, context: RunContext[QualitySettings]) -> list[PreflightCheck]:
    """Ask everything of the data set that makes one unfit to train on."""
    report = validate(planned.dataset, context)
    checks = [
        PreflightCheck(
            check.name.replace("_", " "),
            "note" if check.verdict == "skipped" else check.verdict,
            check.detail,
            DATASET_CHECKS[check.name],
        )
        for check in report.checks
    ]
    return [*checks, PreflightCheck("quality", "ok", f"{report.quality.score:.2f}")]


def _disk(folder: Path, network: NetworkConfig, settings: PreflightSettings) -> PreflightCheck:
    """Check that there is room for the checkpoints."""
    needed = settings.checkpoints * checkpoint_bytes(network)
    there = next(place for place in (folder.resolve(), *folder.resolve().parents) if place.exists())
    usage = shutil.disk_usage(there)
    in_use = (usage.used + needed) / (usage.used + usage.free)  # as df counts it: without what is root's
    measured = f"{_size(needed)} for {settings.checkpoints} checkpoints of {_size(usage.free)} free; then {in_use:.0%}"
    verdict = settings.disk.verdict(in_use, usage.free - needed)
    return PreflightCheck("disk", verdict, measured, str(settings.disk))


def _memory(network: NetworkConfig, batch: int, settings: PreflightSettings) -> PreflightCheck:
    """Check that there is memory for the process and its loader, and for the steps themselves if no GPU takes them."""
    needed = process_bytes(network, batch) + (0 if torch.cuda.is_available() else step_bytes(network, batch))
    memory = psutil.virtual_memory()
    in_use = (memory.total - memory.available + needed) / memory.total
    measured = f"{_size(needed)} for batches of {batch:,} of {_size(memory.available)} available; then {in_use:.0%}"
    verdict = settings.memory.verdict(in_use, memory.available - needed)
    return PreflightCheck("memory", verdict, measured, str(settings.memory))


def _gpu(needed: bool, settings: PreflightSettings) -> PreflightCheck:
    """Check that nothing else fills the GPU; the automatic batch size says how much of the rest is used."""
    if not torch.cuda.is_available():
        if needed:
            return PreflightCheck("GPU", "failed", "none that torch can use", "one")
        return PreflightCheck("GPU", "note", "none: trains on the CPU")
    free, total = torch.cuda.mem_get_info()
    in_use = 1 - free / total
    measured = f"{torch.cuda.get_device_name()}, {_size(free)} of {_size(total)} free; {in_use:.0%} in use"
    return PreflightCheck("GPU", settings.gpu_memory.verdict(in_use, free), measured, str(settings.gpu_memory))


def _checkpoint(run: Path) -> PreflightCheck:
    """Check that the newest checkpoint can be read; the run would go on from the newest that can."""
    kept = checkpoints(run / FOLDER)
    if not kept:
        return PreflightCheck("checkpoint", "note", "none yet: starts from the beginning")
    damaged = ""
    for path in reversed(kept):
        try:
            load_checkpoint(path)
        except RingRiftError as error:
            damaged = damaged or str(error)
        else:
            if not damaged:
                return PreflightCheck("checkpoint", "ok", f"{path.name} is whole", "whole")
            return PreflightCheck("checkpoint", "warning", f"{damaged}; goes on from {path.name}", "whole")
    return PreflightCheck(
        "checkpoint", "failed", f"{damaged}; none is whole, so it would start from the beginning", "whole"
    )


def _parent(path: Path | None, network: NetworkConfig) -> PreflightCheck:
    """Check that the model that the training starts from is whole, and that its weights can be taken over."""
    if path is None:
        return PreflightCheck("parent model", "note", "none: starts from random weights")
    parent = load_model(path, features=network.features)
    made = parent.config
    wanted = f"{network.architecture}, {network.board} or smaller, {network.players} players or fewer"
    fits = (
        made.architecture == network.architecture
        and may_start_from(made.geometry, network.geometry)
        and made.players <= network.players
    )
    measured = f"{made.architecture}, {made.board}, {made.players} players, {parameter_count(parent):,} parameters"
    return PreflightCheck("parent model", "ok" if fits else "failed", measured, wanted)


def _size(count: float) -> str:
    """Return bytes in words."""
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.0f} MB"
