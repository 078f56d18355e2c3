"""The ladder of difficulty: the agent of every level of a config (`ladder.yaml`)."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from ringrift.game import parse_config
from ringrift.settings import BadSettings, Settings, config_folder, read_config

LEVELS: Final = range(1, 11)


class Ladder(Settings):
    """The levels of all configs."""

    levels: dict[str, dict[int, str]]
    """The specs by config and level."""
    elo: dict[str, dict[int, int]] = Field(default_factory=dict)
    """The measured Elo by config and level; `random` is 0."""


def ladder_elo(config: str, level: int) -> int | None:
    """Return the Elo that a level of a config was measured at; None if it was not."""
    parse_config(config)
    return read_config("ladder.yaml", Ladder).elo.get(config, {}).get(level)


def ladder_spec(config: str, level: int) -> str:
    """Return the spec of the agent on a level, 1 … 10, of a config; `BadSettings` if the ladder has a gap there."""
    parse_config(config)
    path = config_folder() / "ladder.yaml"
    levels = read_config("ladder.yaml", Ladder).levels
    if config not in levels or level not in levels[config]:
        raise BadSettings(f"{path}: levels.{config}.{level}: is missing")
    return levels[config][level]
