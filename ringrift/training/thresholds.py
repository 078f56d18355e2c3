"""Settings of the checks before a training and of the report after it (`training.yaml`)."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from ringrift.settings import Settings, read_config

Verdict = Literal["ok", "note", "warning", "failed"]
"""The verdict of a check; a note says what is not there and need not be."""

GIGABYTE: Final = 1e9

Share = Annotated[float, Field(gt=0.0, le=1.0)]


class AtLeast(Settings):
    """The bounds of a number that ought to be large."""

    fail: NonNegativeInt
    warn: NonNegativeInt

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.fail > self.warn:
            raise ValueError(f"fail ({self.fail}) is above warn ({self.warn})")
        return self

    def verdict(self, number: int) -> Verdict:
        """Return the verdict on a number: below `fail` it has failed, below `warn` it is a warning."""
        return "failed" if number < self.fail else "warning" if number < self.warn else "ok"

    def __str__(self) -> str:
        return f"≥ {self.warn:,}, at least {self.fail:,}" if self.fail else f"≥ {self.warn:,}"


class AtMost(Settings):
    """The bounds of a share that ought to be small."""

    warn: Share
    fail: Share
    enough_gb: NonNegativeFloat | NonNegativeInt
    """Gigabytes; where so much is free, no share is too large."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.warn > self.fail:
            raise ValueError(f"warn ({self.warn}) is above fail ({self.fail})")
        return self

    def verdict(self, share: float, free: float) -> Verdict:
        """Return the verdict on a share, with so many bytes free: above `fail` it has failed, above `warn` it warns."""
        if 0 < self.enough_gb * GIGABYTE <= free:
            return "ok"
        return "failed" if share > self.fail else "warning" if share > self.warn else "ok"

    def __str__(self) -> str:
        return f"≤ {self.warn:.0%}, at most {self.fail:.0%}" + (
            f", or {self.enough_gb:g} GB free" if self.enough_gb else ""
        )


class PreflightSettings(Settings):
    """The demands on what a training needs to begin."""

    games: AtLeast
    samples: AtLeast
    holdout_games: AtLeast
    checkpoints: PositiveInt
    disk: AtMost
    memory: AtMost
    gpu_memory: AtMost


class WorseSettings(Settings):
    """The limits beyond which a model is worse than those before it."""

    models: PositiveInt
    """Before it, whose mean it is compared with."""
    loss: PositiveFloat
    calibration: PositiveFloat
    quality: PositiveFloat


class ReportSettings(Settings):
    """The bounds of what a report shows and warns of."""

    gap: PositiveFloat
    worse: WorseSettings
    calibration_bins: PositiveInt
    plot_points: Annotated[int, Field(ge=2)]


class TrainingThresholds(Settings):
    """The whole file."""

    preflight: PreflightSettings
    report: ReportSettings


def training_thresholds() -> TrainingThresholds:
    """Read the settings; `BadSettings` says what is wrong in them."""
    return read_config("training.yaml", TrainingThresholds)
