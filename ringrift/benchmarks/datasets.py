"""Speed of exporting data sets from the games database, and where the time goes."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ringrift.benchmarks.games import bench_records
from ringrift.datasets import export
from ringrift.datasets.settings import dataset_settings
from ringrift.game import parse_config
from ringrift.game.threads import default_threads
from ringrift.games import GamesDatabase, ingest

GOALS: Final = {"square8": 100_000, "hex8": 100_000, "square19": 10_000, "hexagonal": 10_000}
"""Samples a second on two cores."""


@dataclass(frozen=True)
class ExportSpeed:
    """Speed of exporting games of one config, each action of which has search statistics."""

    config: str
    games: int
    samples: int
    threads: int
    samples_per_second: float
    """By the clock, with all threads, from the database to files on the disk."""
    goal: int
    cpu_samples_per_second: float
    """By processor time, that of the system included: what one core does."""
    bytes_per_sample: float
    parts: dict[str, float]
    """Seconds by `ringrift.datasets.export.PARTS`."""


def measure_export(config: str, games: int, *, repeats: int = 3) -> ExportSpeed:
    """Export the same games several times; the fastest counts, since the machine's other work only adds."""
    settings = dataset_settings()
    everything = settings.model_copy(update={"window": settings.window.model_copy(update={"kind": "all"})})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "games.jsonl"
        with path.open("wb") as file:
            file.writelines(record.to_line() for record in bench_records(config, games, search=True, every=1))
        with GamesDatabase(str(Path(folder) / "games.db"), create=True) as database:
            ingest(database, [path])
            path.unlink()
            reports, processor = [], []
            for _ in range(repeats + 1):  # the first loads the kernels
                cpu = time.process_time()
                both = export(database, config, folder=Path(folder), settings=everything)
                processor.append((time.process_time() - cpu) / sum(report.samples for report in both))
                reports.append(both[0])
    best = min(reports[1:], key=lambda report: report.seconds)
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
    )
