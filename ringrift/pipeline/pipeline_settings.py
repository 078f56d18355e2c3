"""The settings of all stages of a config, read before the first of them begins."""

from __future__ import annotations

from dataclasses import dataclass

from ringrift.datasets.settings import DatasetSettings, dataset_settings
from ringrift.evaluation.settings import EvaluationSettings, evaluation_settings
from ringrift.game_database.settings import DatabaseSettings, database_settings
from ringrift.limits import move_limit
from ringrift.models.settings import ModelSettings, model_settings
from ringrift.pipeline.allocation_settings import AllocationSettings, allocation_settings
from ringrift.pipeline.housekeeping_settings import HousekeepingSettings, housekeeping_settings
from ringrift.pipeline.settings import LoopPreset, loop_settings
from ringrift.resources import GuardSettings, guard_settings
from ringrift.selfplay.settings import SelfPlaySettings, selfplay_settings
from ringrift.training.reanalysis_settings import ReanalysisSettings, reanalysis_settings
from ringrift.training.settings import HyperParameters, hyper_parameters
from ringrift.training.thresholds import TrainingThresholds, training_thresholds


@dataclass(frozen=True)
class PipelineSettings:
    """The settings of all stages."""

    loop: LoopPreset
    max_moves: int
    selfplay: SelfPlaySettings
    database: DatabaseSettings
    reanalysis: ReanalysisSettings
    datasets: DatasetSettings
    hyper: HyperParameters
    training: TrainingThresholds
    evaluation: EvaluationSettings
    models: ModelSettings
    guard: GuardSettings
    allocation: AllocationSettings
    housekeeping: HousekeepingSettings


def pipeline_settings(config: str, preset: str | None = None) -> PipelineSettings:
    """Read the settings of all stages of a config; `BadSettings` says which file is wrong, and where."""
    loop = loop_settings().preset_named(preset)
    return PipelineSettings(
        loop=loop,
        max_moves=move_limit(config),
        selfplay=selfplay_settings(config),
        database=database_settings(),
        reanalysis=reanalysis_settings(),
        datasets=dataset_settings(),
        hyper=hyper_parameters(config, loop.training.preset),
        training=training_thresholds(),
        evaluation=evaluation_settings(),
        models=model_settings(),
        guard=guard_settings(),
        allocation=allocation_settings(),
        housekeeping=housekeeping_settings(),
    )
