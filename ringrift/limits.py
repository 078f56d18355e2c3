"""The limits of moves at which games are stopped without a winner (`games.yaml`)."""

from __future__ import annotations

from pydantic import PositiveInt

from ringrift.game import UnknownConfig, parse_config
from ringrift.settings import BadSettings, Settings, config_folder, read_config


class GameSettings(Settings):
    """The settings of every game of a config, whatever the purpose of the game."""

    max_moves: dict[str, PositiveInt]


def move_limit(config: str) -> int:
    """The limit of moves of a config; `BadSettings` says what is wrong in the file."""
    parse_config(config)
    path = config_folder() / "games.yaml"
    limits = read_config("games.yaml", GameSettings).max_moves
    for name in limits:
        try:
            parse_config(name)
        except UnknownConfig as error:
            raise BadSettings(f"{path}: max_moves: {error}") from None
    return limits[config]
