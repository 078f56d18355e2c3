"""Hard positions: a file of those that a network or a champion got wrong, for a share of the games to begin with.

A position is kept as the actions that lead to it, with the hash of where they lead by the rules that it was found by.
"""

from __future__ import annotations

from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Final, Literal

import numpy as np
import orjson
from pydantic import Field

from ringrift.bounded import read_bounded
from ringrift.errors import RingRiftError
from ringrift.files import new_file
from ringrift.game import Game, IllegalAction, parse_config
from ringrift.selfplay.openings import Opening
from ringrift.settings import BadSettings, Settings, check_settings
from ringrift.strict_json import BadJson, parse_json

FOLDER: Final = Path("data/positions")
LARGEST: Final = 64_000_000
"""Bytes of a file; 1,000 positions of a large board take a tenth of that."""
LONGEST: Final = 10_000
"""Actions that lead to a position."""

Reason = Literal["surprise", "swing", "lost"]
"""The reason why a position is hard: its search came far from the network, the value of a champion swung, or a model
lost its game of a gauntlet there."""


class BadPositions(RingRiftError):
    """A file of positions that cannot be used."""


class HardPosition(Settings):
    """One position."""

    actions: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, max_length=LONGEST)]
    """All actions from the empty board on."""
    hash: str
    """The hash of the position, 16 hexadecimal digits."""
    reason: Reason
    score: float
    """The surprise in nats, or the difference of values."""
    best: Annotated[int, Field(ge=0)]
    """The action that the search preferred."""
    value: float
    """The value of the player to act, as the search saw it."""

    def played(self, config: str) -> Game:
        """Return the game that has come to the position; `BadPositions` if these rules do not lead there."""
        board, players = parse_config(config)
        game = Game(board.name, players)
        try:
            for action in self.actions:
                game.play(action)
        except IllegalAction as error:
            raise BadPositions(f"{error}, so that it was found by other rules") from None
        if f"{game.hash():016x}" != self.hash or game.is_over:
            raise BadPositions("these rules lead elsewhere, so that it was found by other rules")
        return game


class HardPositions(Settings):
    """The positions of a config, by reason and the hardest first."""

    config: str
    positions: Annotated[list[HardPosition], Field(min_length=1)]

    @cached_property
    def id(self) -> str:
        """The same for the same positions."""
        return blake2b(orjson.dumps(self.model_dump()), digest_size=8).hexdigest()

    def opening(self, number: int) -> Opening:
        """Return a position as an opening; `number` counts from 0."""
        position = self.positions[number]
        state = position.played(self.config).array.reshape(1).copy()
        return Opening(state, np.array(position.actions, np.int32))


def positions_file(config: str, folder: Path = FOLDER) -> Path:
    """Return where the hard positions of a config are kept."""
    return folder / f"{config}.json"


def regression_file(config: str, folder: Path = FOLDER) -> Path:
    """Return where the positions of a config lie that stay the same, so that models can be compared over time."""
    return folder / f"{config}.regression.json"


def write_positions_file(path: Path, positions: HardPositions) -> None:
    """Write the positions of a config, whole or not at all."""
    with new_file(path) as file:
        file.write(orjson.dumps(positions.model_dump()) + b"\n")


def read_positions_file(path: Path, config: str) -> HardPositions:
    """Read the positions of a config; `BadPositions` if the file is not there, damaged, or made by other rules."""
    try:
        content = parse_json(read_bounded(path, LARGEST))
        positions = check_settings(content, HardPositions, str(path))
    except FileNotFoundError:
        raise BadPositions(f"{path}: no such file; `ringrift hard-positions {config}` makes it") from None
    except OSError as error:
        raise BadPositions(f"{path}: cannot be read ({error.strerror or error})") from None
    except (BadJson, BadSettings) as error:
        raise BadPositions(f"{path}: holds no hard positions ({error}); make it anew") from None
    if positions.config != config:
        raise BadPositions(f"{path}: holds positions of {positions.config}, not of {config}")
    for number, position in enumerate(positions.positions):
        try:
            position.played(config)
        except BadPositions as error:
            raise BadPositions(f"{path}: position {number}: {error}; make it anew") from None
    return positions
