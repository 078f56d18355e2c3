"""The settings of tuning the hyper-parameters of training (`hyperparameters` of `tuning.yaml`)."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from ringrift.settings import Settings, read_config

Number = float | int
Share = Annotated[float, Field(gt=0.0, le=0.5)]
Seeds = Annotated[int, Field(ge=2, le=100)]


class Dimension(Settings):
    """The values of a hyper-parameter that are tried: a range, or choices."""

    low: Number | None = None
    high: Number | None = None
    log: bool = False
    choices: list[Any] | None = None

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if self.choices is not None:
            if self.low is not None or self.high is not None or self.log or len(self.choices) < 2:
                raise ValueError("is either a range, with low and high, or a list of two choices or more")
        elif self.low is None or self.high is None:
            raise ValueError("needs low and high, or choices")
        elif not self.low < self.high:
            raise ValueError(f"low ({self.low:g}) is not below high ({self.high:g})")
        elif self.log and self.low <= 0:
            raise ValueError(f"a logarithmic scale begins above 0, not at {self.low:g}")
        return self

    @property
    def bounds(self) -> tuple[Number, Number]:
        """The ends of a range."""
        assert self.low is not None
        assert self.high is not None
        return self.low, self.high


class SearchSettings(Settings):
    """The settings of a search over trials."""

    trials: PositiveInt
    random: PositiveInt
    seed: NonNegativeInt
    first_look: PositiveInt
    keep: Annotated[int, Field(ge=2)]
    alive_seconds: PositiveInt
    dead_seconds: PositiveInt

    @model_validator(mode="after")
    def _silence_is_longer(self) -> Self:
        if self.dead_seconds <= 2 * self.alive_seconds:
            raise ValueError("dead_seconds is to be more than twice alive_seconds")
        return self


class PopulationSettings(Settings):
    """The settings of a population."""

    members: Annotated[int, Field(ge=2, le=1000)]
    generations: Annotated[int, Field(ge=1, le=1000)]
    seed: NonNegativeInt
    epochs: PositiveFloat
    truncation: Share
    perturb: Annotated[list[PositiveFloat], Field(min_length=1)]
    resample: Annotated[float, Field(ge=0.0, le=1.0)]


class FitnessSettings(Settings):
    """The settings of the fitness of trainings."""

    as_: Annotated[str, Field(alias="as")]
    opponent: str
    games: PositiveInt
    least_games: PositiveInt
    elo_per_doubling: NonNegativeFloat


class ConfirmSettings(Settings):
    """The settings of the test of the best setting."""

    seeds: Seeds
    games: PositiveInt


class TrainingTuning(Settings):
    """The settings of the group."""

    space: dict[str, Dimension]
    search: SearchSettings
    population: PopulationSettings
    fitness: FitnessSettings
    confirm: ConfirmSettings


class _PopulationGroup(Settings):
    model_config = ConfigDict(extra="ignore")

    population: PopulationSettings


class _PopulationFile(Settings):
    model_config = ConfigDict(extra="ignore")

    hyperparameters: _PopulationGroup


def population_settings() -> PopulationSettings:
    """Read the settings of populations alone, without what the others need, which is slow to import."""
    return read_config("tuning.yaml", _PopulationFile).hyperparameters.population
