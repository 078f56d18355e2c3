"""The settings of housekeeping (`housekeeping.yaml`)."""

from __future__ import annotations

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveInt

from ringrift.settings import Settings, read_config


class Age(Settings):
    """How old something has to be, in days; and where the disk is full."""

    days: NonNegativeFloat | NonNegativeInt
    days_when_full: NonNegativeFloat | NonNegativeInt


class HousekeepingSettings(Settings):
    """The settings of the file."""

    checkpoints: Age
    raw_games: Age
    intervals: Age
    leftovers: Age
    runs: Age
    airflow_logs: Age
    airflow_rows_days: PositiveInt


def housekeeping_settings() -> HousekeepingSettings:
    """Read the settings; `BadSettings` says what is wrong in them."""
    return read_config("housekeeping.yaml", HousekeepingSettings)
