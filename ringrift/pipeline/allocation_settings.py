"""The settings of allocation and backpressure (`allocation.yaml`)."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from ringrift.errors import RingRiftError
from ringrift.game import configs, parse_config
from ringrift.pipeline.settings import MOST_GAMES, LoopPreset
from ringrift.settings import Settings, read_config

Number = PositiveFloat | PositiveInt
Share = Annotated[float, Field(ge=0, le=1)]


class WeightSettings(Settings):
    """The formula of the weights of configs."""

    most: Annotated[float, Field(gt=1, le=10)]
    """The largest weight; the smallest is one divided by it."""
    slope_elo: Number
    waiting: Share
    """The exponent of the trainings' worth of games that wait."""
    cost: Share
    """The exponent of the relative cost of a game."""
    balance_games: PositiveInt
    step: Annotated[float, Field(gt=0, le=1)]
    """The share of the way to the new weight."""


class Band(Settings):
    """The values at which self-play begins to slow down, and at which it pauses."""

    slow: Number
    pause: Number

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.slow >= self.pause:
            raise ValueError(f"slow, {self.slow:g}, is to be less than pause, {self.pause:g}")
        return self


class BackpressureSettings(Settings):
    """The measures that slow self-play down."""

    games: Band
    ingest_hours: Band
    training_hours: Band


class AllocationSettings(Settings):
    """All settings of the file."""

    budgets: dict[str, Annotated[int, Field(gt=0, le=MOST_GAMES)]]
    """Games of an interval, by config."""
    weights: WeightSettings
    backpressure: BackpressureSettings

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for name in self.budgets:
            try:
                parse_config(name)
            except RingRiftError as error:
                raise ValueError(f"budgets: {error}") from None
        missing = [name for board, players in configs() if (name := f"{board}_{players}p") not in self.budgets]
        if missing:
            raise ValueError(f"budgets: {', '.join(missing)}: missing")
        return self


def allocation_settings() -> AllocationSettings:
    """Read the settings; `BadSettings` says what is wrong in them."""
    return read_config("allocation.yaml", AllocationSettings)


def budget_of(config: str, preset: LoopPreset, settings: AllocationSettings) -> int:
    """Return the games of a config and interval with a weight of 1."""
    stage = preset.selfplay
    return settings.budgets[config] if stage.allocated else stage.shards * stage.games
