"""Settings of the model store and of the gate (`models.yaml`)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from ringrift.settings import Settings, read_config

Share = Annotated[float, Field(ge=0, le=1)]
Seconds = PositiveFloat | PositiveInt


class InferenceSettings(Settings):
    """The limit on the time in which a model answers."""

    milliseconds: PositiveFloat | PositiveInt
    gpu: list[str]
    """The architectures that are meant for a GPU: too slow on a processor, they are not refused, but wait for one."""
    positions: PositiveInt
    threads: PositiveInt


class TrialSettings(Settings):
    """The games that the gate plays itself."""

    player: str
    random_games: PositiveInt
    heuristic_games: PositiveInt
    quiet_seconds: Seconds
    stopped: Share
    random: Share
    heuristic: Share


class GauntletRequirements(Settings):
    """The results that the evaluation before the gate has to reach."""

    games: PositiveInt
    elo: NonNegativeFloat | NonNegativeInt


class GateSettings(Settings):
    """The conditions of a promotion."""

    seconds: Seconds
    pause_minutes: NonNegativeFloat | NonNegativeInt
    valid_hours: NonNegativeFloat | NonNegativeInt
    gauntlet: GauntletRequirements
    inference: InferenceSettings
    trial: TrialSettings


class PruneSettings(Settings):
    """The models that keep their files."""

    predecessors: NonNegativeInt
    newest: NonNegativeInt
    days: NonNegativeFloat | NonNegativeInt


class ModelSettings(Settings):
    """All settings of the file."""

    gate: GateSettings
    prune: PruneSettings


def model_settings() -> ModelSettings:
    """Read the settings; `BadSettings` says what is wrong in them."""
    return read_config("models.yaml", ModelSettings)
