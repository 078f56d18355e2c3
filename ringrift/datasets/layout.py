"""What the arrays of a data set are: names, types and shapes, in their fixed order.

N samples of a shard, of P players, encoded as C planes of H × W pixels and G globals:

| member | type, shape | what |
| --- | --- | --- |
| features | uint8 [N, C, H, W] | the position, seen from the player to act |
| globals | float32 [N, G] | … |
| values | float32 [N] | value by rank of the player to act |
| values_mp | float32 [N, P] | … of all, beginning with the player to act |
| root_values | int16 [N, P] | what the search thought, in the same order, in units of 1/32767; 0 without a search |
| policy_offsets | int64 [N + 1] | where the legal actions of a sample begin and end in the next two |
| policy_indices | int32 [L] | all its legal actions |
| policy_values | uint16 [L] | their shares in units of 1/65535 |
| policy_kind | uint8 [N] | 1: learn the policy; 0: all shares are 0 |
| reply_offsets | int64 [N + 1] | as above, for the next choice of another player |
| reply_indices | int32 [R] | the actions with weight, none where they are not known |
| reply_values | uint16 [R] | their shares |
| owners | uint8 [N, H, W] | who owns each cell in the end, from 1, the player to act; 0 nobody |
| plies_left | uint16 [N] | moves until the end |
| weights | float32 [N] | how often to draw the sample, relative to others |
| game | int64 [N] | index into `games` |
| ply | int32 [N] | which of the game's actions the sample is about |
| games | S16 [games] | identities; numpy cuts zeros at the end off, so compare as `view(np.uint8)` |
| facts | `FACTS` [games] | what is known of each game as a whole |
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from ringrift.encoding import FeatureVersion, feature_version
from ringrift.errors import Busy, RingRiftError
from ringrift.game import Board, parse_config

IDENTITY_BYTES: Final = 16

MEMBERS: Final = (
    "features",
    "globals",
    "values",
    "values_mp",
    "root_values",
    "policy_offsets",
    "policy_indices",
    "policy_values",
    "policy_kind",
    "reply_offsets",
    "reply_indices",
    "reply_values",
    "owners",
    "plies_left",
    "weights",
    "game",
    "ply",
    "games",
    "facts",
)
"""In the order in which they stand in a file."""

RAGGED: Final[dict[str, np.dtype[Any]]] = {
    "policy_indices": np.dtype(np.int32),
    "policy_values": np.dtype(np.uint16),
    "reply_indices": np.dtype(np.int32),
    "reply_values": np.dtype(np.uint16),
}
"""Members with any number of entries for a sample."""

OFFSETS: Final = ("policy_offsets", "reply_offsets")
IDENTITY: Final = np.dtype(f"S{IDENTITY_BYTES}")
FACTS: Final = np.dtype(
    [
        ("plies", np.int32),  # its moves
        ("choices", np.int32),  # its actions where there was more than one to choose from
        ("searched", np.int32),  # … with search statistics
        ("winner", np.int32),  # the seat, from 1; 0 for a game that was stopped without one
        ("ended", np.int64),  # seconds since 1970, UTC
        ("opening", np.int64),  # a hash of its first actions
        ("actions", np.int64),  # a hash of all its actions
    ]
)
"""What is known of a game as a whole: what its quality is told from (`quality.py`)."""


AGAIN: Final = "export the data set again (--afresh), or copy it again"
"""What to do about a damaged one."""


class BadDataset(RingRiftError):
    """A data set that is missing, damaged, or not of the kind that is asked for."""


class BusyDataset(BadDataset, Busy):
    """A data set that another process is writing."""


@dataclass(frozen=True)
class Layout:
    """Config and encoding of a data set, which decide its shapes."""

    config: str
    encoder: str

    def __post_init__(self) -> None:
        """`UnknownConfig` and `UnknownVersion` at once, not when the arrays are made."""
        parse_config(self.config)
        feature_version(self.encoder)

    @property
    def board(self) -> Board:
        """The board of the config."""
        return parse_config(self.config)[0]

    @property
    def players(self) -> int:
        """The number of players."""
        return parse_config(self.config)[1]

    @property
    def version(self) -> FeatureVersion:
        """The encoding."""
        return feature_version(self.encoder)

    @cached_property
    def rows(self) -> dict[str, tuple[np.dtype[Any], tuple[int, ...]]]:
        """Type and shape of what a sample has of every member that is the same for all."""
        size = self.board.size
        return {
            "features": (np.dtype(np.uint8), self.version.features_shape(self.board)),
            "globals": (np.dtype(np.float32), (len(self.version.globals),)),
            "values": (np.dtype(np.float32), ()),
            "values_mp": (np.dtype(np.float32), (self.players,)),
            "root_values": (np.dtype(np.int16), (self.players,)),
            "policy_kind": (np.dtype(np.uint8), ()),
            "owners": (np.dtype(np.uint8), (size, size)),
            "plies_left": (np.dtype(np.uint16), ()),
            "weights": (np.dtype(np.float32), ()),
            "game": (np.dtype(np.int64), ()),
            "ply": (np.dtype(np.int32), ()),
        }

    def forms(self, samples: int, games: int) -> dict[str, tuple[np.dtype[Any], tuple[int, ...] | None]]:
        """Type and shape of every member of a shard; None for the shape of those with any number of entries."""
        found: dict[str, tuple[np.dtype[Any], tuple[int, ...] | None]] = {}
        for name in MEMBERS:
            if name in self.rows:
                dtype, shape = self.rows[name]
                found[name] = dtype, (samples, *shape)
            elif name in RAGGED:
                found[name] = RAGGED[name], None
            elif name in OFFSETS:
                found[name] = np.dtype(np.int64), (samples + 1,)
            else:
                found[name] = FACTS if name == "facts" else IDENTITY, (games,)
        return found
