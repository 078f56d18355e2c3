"""The settings of self-play (`selfplay.yaml`)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from ringrift.game import UnknownConfig, parse_config
from ringrift.settings import BadSettings, Settings, config_folder, read_config

Share = Annotated[float, Field(ge=0, le=1)]
Draw = Literal["seat", "game"]
Schedule = Literal["alphazero", "aggressive", "conservative", "adaptive", "curriculum", "cosine"]


class PlayersSettings(Settings):
    """The players where none are named; `{best}` stands for the promoted model."""

    trained: str
    bootstrap: str


class StepSettings(Settings):
    """One temperature until move N, another after it."""

    start: NonNegativeFloat
    end: NonNegativeFloat


class SlopeSettings(StepSettings):
    """A fall from one temperature to another over `length` × N moves."""

    length: PositiveFloat


class AdaptiveSettings(Settings):
    """Temperatures between `low` and `high` by the number of legal actions, up to `many`."""

    low: NonNegativeFloat
    high: NonNegativeFloat
    many: Annotated[int, Field(gt=2)]


class CurriculumSettings(Settings):
    """Values for no progress, and for all of it."""

    start: Annotated[list[NonNegativeFloat], Field(min_length=2, max_length=2)]
    end: NonNegativeFloat
    length: Annotated[list[PositiveFloat], Field(min_length=2, max_length=2)]


class TemperatureSettings(Settings):
    """The schedules of temperature."""

    schedule: Schedule
    moves: dict[str, PositiveInt]
    """The number N by config."""
    trainings: PositiveInt
    """The number after which the progress of training is complete."""
    alphazero: StepSettings
    aggressive: SlopeSettings
    conservative: SlopeSettings
    adaptive: AdaptiveSettings
    curriculum: CurriculumSettings
    cosine: SlopeSettings


class OpeningSettings(Settings):
    """The share of the games that begins with 1 … `moves` random moves."""

    share: Share
    moves: PositiveInt


class ResignationSettings(Settings):
    """When a player counts as having resigned, and what share of the simulations is left then."""

    below: Annotated[float, Field(ge=-1, le=1)]
    decisions: PositiveInt
    simulations: Annotated[float, Field(gt=0, le=1)]


class FilesSettings(Settings):
    """The files that games are written to."""

    megabytes: PositiveFloat


class SelfPlaySettings(Settings):
    """All settings of self-play."""

    players: PlayersSettings
    players_of: dict[str, PlayersSettings]
    """The players of configs that have others."""
    draw: Draw
    batch: dict[str, PositiveInt]
    """The number of games side by side, by board."""
    gpu_batch: dict[str, PositiveInt]
    """The same with networks on a GPU, of all processes together."""
    network_threads: PositiveInt
    """Threads of a process for a network on a CPU."""
    temperature: TemperatureSettings
    opening: OpeningSettings
    resignation: ResignationSettings
    files: FilesSettings
    targets: dict[str, PositiveInt]
    """The number of games for the first training, by config."""


def selfplay_settings(config: str) -> SelfPlaySettings:
    """Read the settings for a config; `BadSettings` says what is wrong in them."""
    parse_config(config)
    settings = read_config("selfplay.yaml", SelfPlaySettings)
    for name in settings.players_of:
        try:
            parse_config(name)
        except UnknownConfig as error:
            raise BadSettings(f"{config_folder() / 'selfplay.yaml'}: players_of: {error}") from None
    return settings.model_copy(update={"players": settings.players_of.get(config, settings.players)})
