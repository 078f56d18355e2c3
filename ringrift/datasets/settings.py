"""Settings of data sets (`include/config/datasets.yaml`)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from ringrift.settings import Settings, config_folder, read_settings

WindowKind = Literal["all", "newest", "power_law"]
WeightKind = Literal["uniform", "victory", "quality", "priority", "surprise"]


class GamesSettings(Settings):
    """Which games are learned from."""

    completed_only: bool
    min_moves: NonNegativeInt
    max_moves: PositiveInt
    min_quality: Annotated[float, Field(ge=0.0, le=1.0)]


class WindowSettings(Settings):
    """How many of the newest games are used."""

    kind: WindowKind
    newest: PositiveInt
    smallest: PositiveInt
    exponent: Annotated[float, Field(gt=0.0, le=1.0)]
    growth: Annotated[float, Field(gt=0.0, le=1.0)]

    def games(self, available: int) -> int:
        """How many games of so many are used."""
        if self.kind == "newest":
            return min(self.newest, available)
        if self.kind == "power_law" and available > self.smallest:
            ratio = (available / self.smallest) ** self.exponent
            return min(available, int(self.smallest * (1 + self.growth * (ratio - 1) / self.exponent)))
        return available


class WeightSettings(Settings):
    """How often a sample is drawn."""

    kind: WeightKind
    largest_weight: PositiveFloat
    surprise_share: Annotated[float, Field(ge=0.0, le=1.0)]
    exponent: Annotated[float, Field(ge=0.0, le=1.0)]


class DatasetSettings(Settings):
    """All of the file."""

    folder: str
    encoder: str
    shard_samples: dict[str, PositiveInt]
    games: GamesSettings
    unsearched: bool
    window: WindowSettings
    weights: WeightSettings


def dataset_settings() -> DatasetSettings:
    """Read the settings; `BadSettings` says what is wrong in them."""
    return read_settings(config_folder() / "datasets.yaml", DatasetSettings)
