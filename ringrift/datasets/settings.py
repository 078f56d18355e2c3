"""Settings of data sets (`datasets.yaml`)."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from ringrift.settings import BadSettings, Settings, config_folder, read_config

FILE: Final = "datasets.yaml"

WindowKind = Literal["all", "newest", "power_law"]
WeightKind = Literal["uniform", "victory", "quality", "priority", "surprise"]


class GamesSettings(Settings):
    """The selection of games that are learned from."""

    completed_only: bool
    min_moves: NonNegativeInt
    max_moves: PositiveInt
    min_quality: Annotated[float, Field(ge=0.0, le=1.0)]


class WindowSettings(Settings):
    """The window of the newest games."""

    kind: WindowKind
    newest: PositiveInt
    smallest: PositiveInt
    exponent: Annotated[float, Field(gt=0.0, le=1.0)]
    growth: Annotated[float, Field(gt=0.0, le=1.0)]

    def games(self, available: int) -> int:
        """Return how many of the available games are used."""
        if self.kind == "newest":
            return min(self.newest, available)
        if self.kind == "power_law" and available > self.smallest:
            ratio = (available / self.smallest) ** self.exponent
            return min(available, int(self.smallest * (1 + self.growth * (ratio - 1) / self.exponent)))
        return available


class WeightSettings(Settings):
    """The weights by which samples are drawn."""

    kind: WeightKind
    largest_weight: PositiveFloat
    surprise_share: Annotated[float, Field(ge=0.0, le=1.0)]
    exponent: Annotated[float, Field(ge=0.0, le=1.0)]


class GameQualityWeights(Settings):
    """The weights of the parts of the quality of a game."""

    searched: NonNegativeFloat
    finished: NonNegativeFloat
    length: NonNegativeFloat

    @model_validator(mode="after")
    def _some_part_counts(self) -> Self:
        if not sum(self.model_dump().values()):
            raise ValueError("some part has to have a weight above 0")
        return self


class DatasetQualityWeights(GameQualityWeights):
    """The weights of the parts of the quality of a data set."""

    policies: NonNegativeFloat
    outcomes: NonNegativeFloat
    seats: NonNegativeFloat
    openings: NonNegativeFloat
    distinct: NonNegativeFloat
    fresh: NonNegativeFloat


class QualitySettings(Settings):
    """The quality of games and data sets; see `ringrift.datasets.quality`."""

    game: GameQualityWeights
    dataset: DatasetQualityWeights
    usual_moves: dict[str, Annotated[list[PositiveInt], Field(min_length=2, max_length=2)]]
    half_life_days: PositiveFloat

    def usual(self, config: str) -> tuple[int, int]:
        """Return the usual range of moves of a config; raise `BadSettings` if it is none."""
        low, high = self.usual_moves[config]
        if low > high:
            raise BadSettings(f"{config_folder() / FILE}: quality.usual_moves.{config}: is no range of moves")
        return low, high


class DatasetSettings(Settings):
    """The whole file."""

    folder: str
    encoder: str
    shard_samples: dict[str, PositiveInt]
    games: GamesSettings
    unsearched: bool
    reanalysed: bool
    td_lambda: Annotated[float, Field(ge=0.0, le=1.0)]
    window: WindowSettings
    sample_weights: WeightSettings
    quality: QualitySettings

    @model_validator(mode="before")
    @classmethod
    def _accept_old_names(cls, fields: Any) -> Any:
        """Accept `weights`, as `sample_weights` was called before."""
        if not isinstance(fields, dict) or "weights" not in fields:
            return fields
        old, new = fields["weights"], fields.get("sample_weights")
        if isinstance(old, dict) and isinstance(new, dict):
            old = new | old
        return {name: value for name, value in fields.items() if name != "weights"} | {"sample_weights": old}


def dataset_settings() -> DatasetSettings:
    """Read the settings; `BadSettings` says what is wrong in them."""
    return read_config(FILE, DatasetSettings)
