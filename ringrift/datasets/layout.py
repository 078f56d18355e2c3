"""The arrays of a data set: names, types and shapes, in their fixed order.

N samples of a shard, of P players, encoded as C planes of H × W pixels and G globals:

| member | type, shape | what |
| --- | --- | --- |
| features | uint8 [N, C, H, W] | the position, seen from the player to act |
| globals | float32 [N, G] | what is not on the board |
| outcome_values | float32 [N, P] | values of the final ranks, relative: beginning with the player to act |
| root_values | int16 [N, P] | values of the search, relative, in units of 1/32767; 0 without a search |
| policy_offsets | int64 [N + 1] | where the legal actions of a sample begin and end in the next two |
| policy_actions | int32 [L] | all legal actions of the samples |
| policy_probs | uint16 [L] | their probabilities in units of 1/65535 |
| has_policy | uint8 [N] | 1: the policy is a target; 0: all its probabilities are 0 |
| opponent_policy_offsets | int64 [N + 1] | as above, for the next choice of another player |
| opponent_policy_actions | int32 [R] | the actions with a probability; none where they are not known |
| opponent_policy_probs | uint16 [R] | their probabilities |
| ownership | uint8 [N, H, W] | who owns each cell at the end, relative, from 1; 0 nobody |
| moves_left | uint16 [N] | moves until the end |
| sample_weights | float32 [N] | how often to draw the sample, relative to others |
| game | int64 [N] | index into `games` |
| action_index | int32 [N] | which of the game's actions the sample is about |
| games | S16 [games] | identities; numpy cuts zeros at the end off, so compare as `view(np.uint8)` |
| facts | `FACTS` [games] | properties of each game as a whole |

Shards of format 2 had other names (`FORMAT_2_NAMES`), and the outcome of the player to act a second time; they are
still read.
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
    "outcome_values",
    "root_values",
    "policy_offsets",
    "policy_actions",
    "policy_probs",
    "has_policy",
    "opponent_policy_offsets",
    "opponent_policy_actions",
    "opponent_policy_probs",
    "ownership",
    "moves_left",
    "sample_weights",
    "game",
    "action_index",
    "games",
    "facts",
)
"""The members of a shard in the order in which they stand in a file."""

FORMAT_2_NAMES: Final = {
    "values_mp": "outcome_values",
    "policy_indices": "policy_actions",
    "policy_values": "policy_probs",
    "policy_kind": "has_policy",
    "reply_offsets": "opponent_policy_offsets",
    "reply_indices": "opponent_policy_actions",
    "reply_values": "opponent_policy_probs",
    "owners": "ownership",
    "plies_left": "moves_left",
    "weights": "sample_weights",
    "ply": "action_index",
}
"""The names that members had in format 2, and the names that they have now."""

POLICIES: Final = ("policy", "opponent_policy")
"""The policies of a sample: each is a member of offsets, one of actions and one of probabilities."""
RAGGED: Final[dict[str, np.dtype[Any]]] = {
    f"{policy}_{part}": np.dtype(dtype)
    for policy in POLICIES
    for part, dtype in (("actions", np.int32), ("probs", np.uint16))
}
"""The members with any number of entries for a sample."""
OFFSETS: Final = tuple(f"{policy}_offsets" for policy in POLICIES)
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
"""Properties of a game as a whole, from which its quality follows (`quality.py`)."""


AGAIN: Final = "export the data set again (--afresh), or copy it again"
"""The advice about a damaged data set."""


class BadDataset(RingRiftError):
    """A data set that is missing, damaged, or not of the kind that is asked for."""


class BusyDataset(BadDataset, Busy):
    """A data set that another process is writing."""


@dataclass(frozen=True)
class Layout:
    """The config and the encoding of a data set, which decide its shapes."""

    config: str
    encoder: str

    def __post_init__(self) -> None:
        """Raise `UnknownConfig` and `UnknownVersion` at once, not when the arrays are made."""
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
        """Type and shape of one sample of every member that has a row for each sample."""
        size = self.board.size
        return {
            "features": (np.dtype(np.uint8), self.version.features_shape(self.board)),
            "globals": (np.dtype(np.float32), (len(self.version.globals),)),
            "outcome_values": (np.dtype(np.float32), (self.players,)),
            "root_values": (np.dtype(np.int16), (self.players,)),
            "has_policy": (np.dtype(np.uint8), ()),
            "ownership": (np.dtype(np.uint8), (size, size)),
            "moves_left": (np.dtype(np.uint16), ()),
            "sample_weights": (np.dtype(np.float32), ()),
            "game": (np.dtype(np.int64), ()),
            "action_index": (np.dtype(np.int32), ()),
        }

    def forms(self, samples: int, games: int) -> dict[str, tuple[np.dtype[Any], tuple[int, ...] | None]]:
        """Type and shape of every member of a shard; the shape of ragged members is None."""
        members: dict[str, tuple[np.dtype[Any], tuple[int, ...] | None]] = {}
        for name in MEMBERS:
            if name in self.rows:
                dtype, shape = self.rows[name]
                members[name] = dtype, (samples, *shape)
            elif name in RAGGED:
                members[name] = RAGGED[name], None
            elif name in OFFSETS:
                members[name] = np.dtype(np.int64), (samples + 1,)
            else:
                members[name] = FACTS if name == "facts" else IDENTITY, (games,)
        return members
