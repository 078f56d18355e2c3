"""How many moves a game may have before it is stopped without a winner (`include/config/games.yaml`)."""

from __future__ import annotations

from pydantic import PositiveInt

from ringrift.game import UnknownConfig, parse_config
from ringrift.settings import BadSettings, Settings, config_folder, read_settings


class GameSettings(Settings):
    """What holds for every game of a config, whoever plays it."""

    max_moves: dict[str, PositiveInt]


def move_limit(config: str) -> int:
    """The limit of moves of a config; `BadSettings` if the file does not give it one."""
    parse_config(config)
    path = config_folder() / "games.yaml"
    limits = read_settings(path, GameSettings).max_moves
    for name in limits:
        try:
            parse_config(name)
        except UnknownConfig as error:
            raise BadSettings(f"{path}: max_moves: {error}") from None
    if config not in limits:
        raise BadSettings(f"{path}: max_moves.{config}: is missing")
    return limits[config]
