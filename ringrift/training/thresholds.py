"""Settings of what is checked before a training and said after it (`include/config/training.yaml`)."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from ringrift.settings import Settings, config_folder, read_settings

Verdict = Literal["ok", "note", "warning", "failed"]
"""Of a check. A note says what is not there and need not be."""

Share = Annotated[float, Field(gt=0.0, le=1.0)]


class AtLeast(Settings):
    """Bounds of a number that ought to be large."""

    fail: NonNegativeInt
    warn: NonNegativeInt

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.fail > self.warn:
            raise ValueError(f"fail ({self.fail}) is above warn ({self.warn})")
        return self

    def verdict(self, number: int) -> Verdict:
        """Fewer than `fail` fail, fewer than `warn` warn."""
        return "failed" if number < self.fail else "warning" if number < self.warn else "ok"

    def __str__(self) -> str:
        return f"≥ {self.warn:,}, at least {self.fail:,}" if self.fail else f"≥ {self.warn:,}"


class AtMost(Settings):
    """Bounds of a share that ought to be small."""

    warn: Share
    fail: Share

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.warn > self.fail:
            raise ValueError(f"warn ({self.warn}) is above fail ({self.fail})")
        return self

    def verdict(self, share: float) -> Verdict:
        """More than `fail` fails, more than `warn` warns."""
        return "failed" if share > self.fail else "warning" if share > self.warn else "ok"

    def __str__(self) -> str:
        return f"≤ {self.warn:.0%}, at most {self.fail:.0%}"


class PreflightSettings(Settings):
    """What a training needs to begin."""

    games: AtLeast
    samples: AtLeast
    holdout_games: AtLeast
    checkpoints: PositiveInt
    disk: AtMost
    memory: AtMost
    gpu_memory: AtMost


class ReportSettings(Settings):
    """What a report shows and warns of."""

    gap: PositiveFloat
    calibration_bins: PositiveInt
    plot_points: Annotated[int, Field(ge=2)]


class TrainingThresholds(Settings):
    """All of the file."""

    preflight: PreflightSettings
    report: ReportSettings


def training_thresholds() -> TrainingThresholds:
    """Read the settings; `BadSettings` says what is wrong in them."""
    return read_settings(config_folder() / "training.yaml", TrainingThresholds)
