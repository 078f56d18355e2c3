"""What a network is made of: its architecture, and the config whose positions it reads."""

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
    """Of the trunk."""
    blocks: int
    """Residual blocks of two 3×3 convolutions."""
    squeeze: bool
    """Squeeze-and-excitation at the end of every block."""
    head_channels: int
    """Of the one convolution that each head begins with."""


ARCHITECTURES: Final[dict[str, Architecture]] = {
    "small": Architecture(channels=32, blocks=3, squeeze=False, head_channels=32),
    "v2": Architecture(channels=96, blocks=6, squeeze=False, head_channels=48),
    "v3": Architecture(channels=192, blocks=12, squeeze=True, head_channels=64),
    "large": Architecture(channels=256, blocks=16, squeeze=True, head_channels=64),
}
"""The networks by name. KataGo's heads have 48 channels for trunks of 384, so heads do not grow with the trunk."""


@dataclass(frozen=True)
class NetworkConfig:
    """Everything that decides the shapes of a network, and so whether a file of weights fits a game."""

    architecture: str
    """One of `ARCHITECTURES`."""
    board: str
    players: int
    features: str
    """The feature version that the network reads."""
    input_scales: tuple[float, ...]
    """What each plane is divided by; as many as there are planes. Weights are trained for these, so they keep them."""
    input_globals: int
    """Number of inputs without a cell."""

    @classmethod
    def of(cls, architecture: str, board: str, players: int, features: str = "v2") -> NetworkConfig:
        """The config with the inputs that the feature version has today."""
        version = feature_version(features)
        scales = tuple(version.scales[get_board(board).name].tolist())
        return cls(architecture, board, players, features, scales, len(version.globals))

    def __post_init__(self) -> None:
        """Refuse what does not exist, in one line that lists what does."""
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
        """Number of planes."""
        return len(self.input_scales)

    @property
    def dimensions(self) -> Architecture:
        """The architecture itself."""
        return ARCHITECTURES[self.architecture]

    @property
    def geometry(self) -> Board:
        """The board itself."""
        return get_board(self.board)


def _choose(what: str, chosen: object, known: Iterable[object]) -> None:
    if chosen not in known:
        raise UnknownConfig(f"unknown {what} {chosen!r}: choose one of {', '.join(map(str, known))}")
