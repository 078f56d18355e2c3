"""Contexts for tests: the project's settings unless others are given, no progress, nothing that cancels."""

from __future__ import annotations

from typing import Any

from ringrift.datasets.settings import DatasetSettings, QualitySettings, dataset_settings
from ringrift.game_database.settings import IngestSettings, database_settings
from ringrift.run_context import Progress, RunContext
from ringrift.training.thresholds import TrainingThresholds, training_thresholds


def record(told: list[tuple[str, float, float | None, str]]) -> Progress:
    """Progress that is kept in a list: work, done, total, detail."""

    def progress(work: str, done: float, total: float | None, detail: str = "") -> None:
        told.append((work, done, total, detail))

    return progress


def any_context(**parts: Any) -> RunContext[None]:
    """For work that has no settings."""
    return RunContext(None, **parts)


def ingest_context(**parts: Any) -> RunContext[IngestSettings]:
    return RunContext(database_settings().ingest, **parts)


def export_context(settings: DatasetSettings | None = None, **parts: Any) -> RunContext[DatasetSettings]:
    return RunContext(settings or dataset_settings(), **parts)


def training_context(**parts: Any) -> RunContext[TrainingThresholds]:
    return RunContext(training_thresholds(), **parts)


def quality_context(**parts: Any) -> RunContext[QualitySettings]:
    return RunContext(dataset_settings().quality, **parts)
