"""Settings of the loop (`include/config/loop.yaml`)."""

from __future__ import annotations

import os
from typing import Annotated, Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt, model_validator

from ringrift.game import RingRiftError, parse_config
from ringrift.settings import BadSettings, Settings, config_folder, read_settings, unknown_name

Hours = Annotated[float, Field(gt=0, le=24 * 14)]
Cron = Annotated[str, Field(pattern=r"^(\S+ ){4}\S+$", description="minute hour day month weekday")]


class SelfplayStage(Settings):
    """Self-play of an interval."""

    shards: PositiveInt
    games: PositiveInt
    """Of each shard."""
    gpus: NonNegativeInt
    """That a shard locks on its host."""
    players: str
    """As of `ringrift selfplay --players`; empty for those of selfplay.yaml."""
    hours: Hours


class TrainingStage(Settings):
    """When a training begins, and how it is done."""

    new_games: PositiveInt
    minutes: NonNegativeFloat
    wait_minutes: NonNegativeFloat
    preset: str
    gpus: NonNegativeInt
    """That a training locks on its host."""
    hours: Hours


class ApprovalStage(Settings):
    """Whether a person has a say in promotions."""

    wanted: bool
    hours: Hours


class TournamentSettings(Settings):
    """How often the players of all configs meet."""

    shadow: Cron
    full: Cron
    hours: Hours


class MaintenanceSettings(Settings):
    """What is put in order."""

    every: Cron
    hosts: Cron
    """How often the hosts are asked how they are."""
    keep_jobs_hours: Hours


class LoopPreset(Settings):
    """The loop for a kind of machine."""

    configs: list[str]
    every: Cron
    runs_at_once: PositiveInt
    retries: NonNegativeInt
    retry_seconds: PositiveInt
    selfplay: SelfplayStage
    training: TrainingStage
    rated_as: list[str]
    """Ways to play in which every new model is rated, beside its gauntlet."""
    evaluation_hours: Hours
    approval: ApprovalStage
    tournaments: TournamentSettings
    maintenance: MaintenanceSettings

    @model_validator(mode="after")
    def _check_configs(self) -> Self:
        for config in self.configs:
            try:
                parse_config(config)
            except RingRiftError as error:
                raise ValueError(f"configs: {error}") from None
        return self


class AlertSettings(Settings):
    """Who is told of failures."""

    slack_channel: str | None
    mail_to: list[str]


class LoopSettings(Settings):
    """All of the file."""

    preset: str
    alerts: AlertSettings
    presets: dict[str, LoopPreset]

    def chosen(self) -> tuple[str, LoopPreset]:
        """The preset to use and its name: that of `RINGRIFT_LOOP_PRESET`, else `preset` of the file."""
        name = os.environ.get("RINGRIFT_LOOP_PRESET") or self.preset
        return name, self.preset_named(name)

    def preset_named(self, name: str | None) -> LoopPreset:
        """A preset by its name; None for the one that is chosen."""
        if name is None:
            return self.chosen()[1]
        if name not in self.presets:
            raise BadSettings(f"loop preset {name!r}: {unknown_name(name, tuple(self.presets))}")
        return self.presets[name]


def loop_settings() -> LoopSettings:
    """Read the settings; `BadSettings` says what is wrong in them."""
    return read_settings(config_folder() / "loop.yaml", LoopSettings)
