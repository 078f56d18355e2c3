"""The configuration of a network: its architecture, and the config that it plays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ringrift.encoding import feature_version
from ringrift.game.boards import PLAYER_COUNTS, Board, get_board
from ringrift.game.errors import UnknownConfig


@dataclass(frozen=True)
class Architecture:
    """The dimensions of a residual network."""

    channels: int
    """The channels of the trunk."""
    blocks: int
    """The residual blocks, of two 3×3 convolutions each."""
    squeeze: bool
    """Whether every block ends with squeeze-and-excitation."""
    head_channels: int
    """The channels of the convolution that each head begins with."""


ARCHITECTURES: Final[dict[str, Architecture]] = {
    "small": Architecture(channels=32, blocks=3, squeeze=False, head_channels=32),
    "v2": Architecture(channels=96, blocks=6, squeeze=False, head_channels=48),
    "v3": Architecture(channels=192, blocks=12, squeeze=True, head_channels=64),
    "large": Architecture(channels=256, blocks=16, squeeze=True, head_channels=64),
}
"""The networks by name. KataGo's heads have 48 channels for trunks of 384, so heads do not grow with the trunk."""


@dataclass(frozen=True)
class NetworkConfig:
    """All that decides the shapes of a network, and so whether a file of weights fits a game."""

    architecture: str
    """The name of one of `ARCHITECTURES`."""
    board: str
    players: int
    features: str
    """The feature version that the network reads."""
    input_scales: tuple[float, ...]
    """The divisor of each plane; a model keeps those that it was trained with."""
    input_globals: int
    """The number of inputs without a cell."""

    @classmethod
    def of(cls, architecture: str, board: str, players: int, features: str = "v2") -> NetworkConfig:
        """Return the config with the inputs that the feature version has today."""
        version = feature_version(features)
        scales = tuple(version.scales[get_board(board).name].tolist())
        return cls(architecture, board, players, features, scales, len(version.globals))

    def __post_init__(self) -> None:
        """Refuse names that do not exist, in one line that lists those that do."""
        get_board(self.board)
        _choose("architecture", self.architecture, ARCHITECTURES)
        _choose("number of players", self.players, PLAYER_COUNTS)
        version = feature_version(self.features)
        expected = len(version.planes), len(version.globals)
        if (self.input_planes, self.input_globals) != expected:
            raise UnknownConfig(
                f"feature version {self.features} has {expected[0]} planes and {expected[1]} globals, not"
                f" {self.input_planes} and {self.input_globals}: it has changed; train networks for it anew"
            )

    @property
    def input_planes(self) -> int:
        """The number of planes."""
        return len(self.input_scales)

    @property
    def dimensions(self) -> Architecture:
        """The architecture of that name."""
        return ARCHITECTURES[self.architecture]

    @property
    def geometry(self) -> Board:
        """The board of that name."""
        return get_board(self.board)


def _choose(title: str, chosen: object, known: Iterable[object]) -> None:
    if chosen not in known:
        raise UnknownConfig(f"unknown {title} {chosen!r}: choose one of {', '.join(map(str, known))}")
