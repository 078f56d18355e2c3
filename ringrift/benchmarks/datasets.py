"""Speed of exporting data sets from the games database, and where the time goes."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ringrift.benchmarks.games import bench_records
from ringrift.benchmarks.memory import measured
from ringrift.datasets import export
from ringrift.datasets.manifest import manifest_path, read_manifest
from ringrift.datasets.settings import DatasetSettings, dataset_settings
from ringrift.game import parse_config
from ringrift.game_database import GamesDatabase, ingest
from ringrift.kernels.threads import default_threads
from ringrift.run_context import RunContext

GOALS: Final = {"square8": 100_000, "hex8": 100_000, "square19": 10_000, "hexagonal": 10_000}
"""The samples per second on two cores that exports should reach."""


@dataclass(frozen=True)
class ExportSpeed:
    """Speed of exporting games of one config, each action of which has search statistics."""

    config: str
    games: int
    samples: int
    threads: int
    samples_per_second: float
    """The samples per second by the clock, with all threads, from the database to new files on the disk."""
    goal: int
    cpu_samples_per_second: float
    """The samples per second of processor time, that of the system included: what one core does."""
    bytes_per_sample: float
    parts: dict[str, float]
    """The seconds by part, `ringrift.datasets.export.PARTS`."""
    disk_bytes_per_second: float
    """The bytes per second of plain files of that size, one after the other, synced to the disk."""
    disk_share: float
    """The share of that rate which the export has reached."""
    unchanged_samples_per_second: float
    """The samples per second by the clock, when all games have been exported before."""


@dataclass(frozen=True)
class ExportMemory:
    """The most memory of its own that a process has had that exported this many samples."""

    config: str
    games: int
    samples: int
    megabytes: float


MEASURE_MEMORY: Final = """
import sys
from pathlib import Path
from ringrift.benchmarks.datasets import all_games
from ringrift.benchmarks.memory import own_megabytes
from ringrift.datasets import export
from ringrift.game_database import GamesDatabase
from ringrift.run_context import RunContext
most = 0
def look(work, done, total, detail):
    global most
    most = max(most, own_megabytes())
with GamesDatabase(sys.argv[1]) as database:
    export(database, sys.argv[2], RunContext(all_games(), look), folder=Path(sys.argv[3]))
print(most)
"""


def measure_export_memory(config: str, samples: int) -> ExportMemory:
    """Export games with about `samples` samples in a process of its own."""
    some = list(bench_records(config, 64, search=True, every=1))
    choices = sum(int((record.search.policy_lengths > 1).sum()) for record in some if record.search)
    games = max(1, round(samples * len(some) / choices))
    with tempfile.TemporaryDirectory() as folder:
        database, out = Path(folder) / "games.db", Path(folder) / "out"
        _fill(database, config, games)
        most = measured(MEASURE_MEMORY, database, config, out)
        manifest = read_manifest(manifest_path(out, config))
    return ExportMemory(config, manifest.games, manifest.samples, most)


def all_games() -> DatasetSettings:
    """Return the settings of the project without a window."""
    settings = dataset_settings()
    return settings.model_copy(update={"window": settings.window.model_copy(update={"kind": "all"})})


def _fill(database: Path, config: str, games: int) -> None:
    """Fill a new database with random games that have search statistics at every action."""
    path = database.with_suffix(".jsonl")
    with path.open("wb") as file:
        file.writelines(record.to_line() for record in bench_records(config, games, search=True, every=1))
    with GamesDatabase(str(database), create=True) as opened:
        ingest(opened, [path], RunContext(opened.settings.ingest))
    path.unlink()


def measure_export(config: str, games: int, *, repeats: int = 3) -> ExportSpeed:
    """Export the same games several times; the fastest counts, since the machine's other work only adds."""
    context = RunContext(all_games())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "games.db"
        _fill(path, config, games)
        with GamesDatabase(str(path)) as database:
            reports, again, processor = [], [], []
            for number in range(repeats + 1):  # the first loads the kernels
                out = Path(folder) / str(number)
                cpu = time.process_time()
                both = export(database, config, context, folder=out)
                processor.append((time.process_time() - cpu) / sum(report.samples for report in both))
                reports.append(both[0])
                again.append(export(database, config, context, folder=out)[0])
                shutil.rmtree(out)  # a disk may take as long to free room as to fill it
        best = min(reports[1:], key=lambda report: report.seconds)
        disk = max(disk_speed(Path(folder) / "plain", best.bytes) for _ in range(repeats))
    return ExportSpeed(
        config=config,
        games=best.games,
        samples=best.samples,
        threads=default_threads(),
        samples_per_second=best.samples / best.seconds,
        goal=GOALS[parse_config(config)[0].name],
        cpu_samples_per_second=1 / min(processor[1:]),
        bytes_per_sample=best.bytes / best.samples,
        parts=best.parts,
        disk_bytes_per_second=disk,
        disk_share=best.bytes / best.seconds / disk,
        unchanged_samples_per_second=best.samples / min(report.seconds for report in again),
    )


def disk_speed(path: Path, size: int) -> float:
    """Write a file of `size` bytes, and remove it; return bytes a second."""
    piece = np.random.default_rng(1).bytes(1 << 24)
    start = time.monotonic()
    with path.open("wb") as file:
        for _ in range(-(-size // len(piece))):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    seconds = time.monotonic() - start
    written = path.stat().st_size
    path.unlink()
    return written / seconds
