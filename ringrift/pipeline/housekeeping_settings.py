"""The settings of housekeeping (`housekeeping.yaml`)."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from ringrift.settings import Settings, read_config

DAY: Final = 86_400
LONGEST_DAYS: Final = 36_500
Days = Annotated[float, Field(ge=0, le=LONGEST_DAYS)]


class Age(Settings):
    """The age in days from which files go, and the one that applies while the disk is full."""

    days: Days
    days_when_full: Days

    def seconds(self, *, full: bool) -> float:
        """Return the age in seconds, that of full disks if the disk is full."""
        return (self.days_when_full if full else self.days) * DAY


class HousekeepingSettings(Settings):
    """The settings of the file."""

    checkpoints: Age
    raw_games: Age
    intervals: Age
    leftovers: Age
    runs: Age
    jobs: Age
    answers: Age
    airflow_logs: Age
    airflow_rows_days: Annotated[int, Field(gt=0, le=LONGEST_DAYS)]


def housekeeping_settings() -> HousekeepingSettings:
    """Read the settings; `BadSettings` says what is wrong in them."""
    return read_config("housekeeping.yaml", HousekeepingSettings)
