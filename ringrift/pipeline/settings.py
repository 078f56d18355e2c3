"""Settings of the loop (`loop.yaml`)."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import AfterValidator, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, PositiveInt

from ringrift.agents import BadSpec, known_spec
from ringrift.errors import RingRiftError
from ringrift.game import parse_config
from ringrift.settings import BadSettings, Settings, read_config, unknown_name

MOST_GAMES: Final = 100_000
"""The most games of a shard of self-play."""


class _TrainingPresets(Settings):
    """The part of hyperparameters.yaml that the loop needs."""

    model_config = ConfigDict(extra="ignore")

    presets: dict[str, Any]


def training_presets() -> tuple[str, ...]:
    """Return the presets of hyperparameters.yaml, read without the training code, which is slow to import."""
    return tuple(read_config("hyperparameters.yaml", _TrainingPresets).presets)


def _checked(check: Callable[[str], object]) -> AfterValidator:
    """Return a validator that refuses texts to which a check objects."""

    def validate(text: str) -> str:
        try:
            check(text)
        except RingRiftError as error:
            raise ValueError(str(error)) from None
        return text

    return AfterValidator(validate)


def _check_training_preset(name: str) -> None:
    known = training_presets()
    if name not in known:
        raise BadSettings(f"training preset {name!r}: {unknown_name(name, known)}")


def _check_players(text: str) -> None:
    if text:
        known_spec(text)


def _check_form(text: str) -> None:
    spec = known_spec(text)
    if spec.model is not None or spec.mode == "mixed":
        raise BadSpec(f"player {text!r}: is to be a way for a model to play, such as policy or gumbel@32")


Config = Annotated[str, _checked(parse_config)]
TrainingPreset = Annotated[str, _checked(_check_training_preset)]
Players = Annotated[str, _checked(_check_players)]
Form = Annotated[str, _checked(_check_form)]
Hours = Annotated[float, Field(gt=0, le=24 * 14)]
Cron = Annotated[str, Field(pattern=r"^(\S+ ){4}\S+$", description="minute hour day month weekday")]


class SelfplayStage(Settings):
    """Self-play of an interval."""

    shards: PositiveInt
    games: Annotated[int, Field(gt=0, le=MOST_GAMES)]
    """The games of each shard, before the weight of the config."""
    allocated: bool
    """Whether the games of an interval are the config's budget of allocation.yaml in place of shards times games."""
    gpus: NonNegativeInt
    """The GPUs that a shard locks on its host; hosts without any play without."""
    players: Players
    """The players, as for `ringrift selfplay --players`; empty for those of selfplay.yaml."""
    hours: Hours


class TrainingStage(Settings):
    """The conditions of a training, and its means."""

    new_games: PositiveInt
    minutes: NonNegativeFloat
    wait_minutes: NonNegativeFloat
    export_shares: PositiveInt = 1
    """The number of workers that write the data set together; they share database and folder."""
    preset: TrainingPreset
    gpus: NonNegativeInt
    """The GPUs that a training locks on its host, all of which it uses."""
    gpu: str | None
    """Their type, such as H100; None for any."""
    hours: Hours


class ApprovalStage(Settings):
    """The approval of promotions by a person."""

    wanted: bool
    hours: Hours


class TournamentSettings(Settings):
    """The schedules of tournaments of all configs."""

    shadow: Cron
    full: Cron
    hours: Hours


class MaintenanceSettings(Settings):
    """The schedules of maintenance."""

    every: Cron
    hosts: Cron
    """The schedule of the probes of hosts."""
    weights: Cron
    """The schedule by which the weights of configs are decided anew."""


class LoopPreset(Settings):
    """The loop for a kind of machine."""

    configs: list[Config]
    from_zero: bool
    """Whether a config without models learns from nothing, and not from the champion that comes with the package."""
    every: Cron
    runs_at_once: PositiveInt
    retries: NonNegativeInt
    retry_seconds: PositiveInt
    selfplay: SelfplayStage
    training: TrainingStage
    reanalyses: bool
    """Whether the champion searches decisions of old games again before every export, as reanalysis.yaml says."""
    rated_as: list[Form]
    """Ways to play in which every new model is rated, beside its gauntlet."""
    evaluation_hours: Hours
    evaluation_gpus: NonNegativeInt
    """The GPUs that the games of networks lock on a host with the role tournament."""
    approval: ApprovalStage
    tournaments: TournamentSettings
    maintenance: MaintenanceSettings


class AlertSettings(Settings):
    """The addresses that failures are reported to."""

    slack_channel: str | None
    mail_to: list[str]


class LoopSettings(Settings):
    """All settings of the file."""

    preset: str
    alerts: AlertSettings
    presets: dict[str, LoopPreset]

    def chosen(self) -> tuple[str, LoopPreset]:
        """Return the preset to use and its name: that of `RINGRIFT_LOOP_PRESET`, else `preset` of the file."""
        name = os.environ.get("RINGRIFT_LOOP_PRESET") or self.preset
        return name, self.preset_named(name)

    def preset_named(self, name: str | None) -> LoopPreset:
        """Return a preset by its name; None for the one that is chosen."""
        if name is None:
            return self.chosen()[1]
        if name not in self.presets:
            raise BadSettings(f"loop preset {name!r}: {unknown_name(name, tuple(self.presets))}")
        return self.presets[name]


def loop_settings() -> LoopSettings:
    """Read the settings; `BadSettings` says what is wrong in them."""
    return read_config("loop.yaml", LoopSettings)
