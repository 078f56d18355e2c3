"""The settings of self-play (`selfplay.yaml`)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from ringrift.game import UnknownConfig, parse_config
from ringrift.settings import BadSettings, Settings, config_folder, read_config

Share = Annotated[float, Field(ge=0, le=1)]
Draw = Literal["seat", "game"]
Schedule = Literal["alphazero", "aggressive", "conservative", "adaptive", "curriculum", "cosine"]


class LaterPlayers(Settings):
    """The players from some progress of training on."""

    progress: Share
    trained: str


class PlayersSettings(Settings):
    """The players where none are named; `{best}` stands for the champion."""

    trained: str
    bootstrap: str
    later: list[LaterPlayers] = Field(default_factory=list)
    """Others in the place of `trained`, each from its progress on."""

    def trained_at(self, progress: float) -> str:
        """Return the players at a progress of training from 0 to 1, once there is a champion."""
        reached = [later for later in self.later if later.progress <= progress]
        return max(reached, key=lambda later: later.progress).trained if reached else self.trained

    @property
    def every_trained(self) -> str:
        """All players that there will be once there is a champion, to look for the models that they name."""
        return " ".join([self.trained, *(later.trained for later in self.later)])


class DifficultySettings(Settings):
    """The share of the simulations of `trained`: from `start` in a line to `end` over `generations` trainings."""

    start: Annotated[float, Field(gt=0, le=1)]
    end: Annotated[float, Field(gt=0, le=1)]
    generations: PositiveInt

    def at(self, generation: float) -> float:
        """Return the share after a number of trainings."""
        return self.start + (self.end - self.start) * min(generation / self.generations, 1.0)


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
    """The share of the games that begins with 1 … `moves` random moves, and the share that begins in hard positions."""

    share: Share
    moves: PositiveInt
    hard: Share


class ResignationSettings(Settings):
    """The rule by which a player counts as having resigned, and the share of the simulations that is left then."""

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
    difficulty: DifficultySettings
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
