"""What a search asks about its leaves: anything that maps a batch of states to priors and values."""

from __future__ import annotations

import time
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ringrift.encoding import FeatureVersion, encode_batch, new_batch, symmetries, to_absolute
from ringrift.game.boards import Board
from ringrift.game.state import state_hash
from ringrift.kernels.compiled import compiled

States = np.ndarray[Any, np.dtype[np.void]]
Ints = npt.NDArray[np.int32]
Offsets = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


class Evaluator(Protocol):
    """Maps states `[batch]` to logits of their legal actions and to values."""

    def __call__(self, states: States, offsets: Offsets, actions: Ints) -> tuple[Floats, Floats]:
        """Evaluate a batch.

        `actions` `[L]` are the legal actions of all states, those of state i at `offsets[i]` … `offsets[i + 1]`−1.
        Returns logits `[L]` and values `[batch, players]` by seat, −1 … 1.
        """


class UniformEvaluator:
    """Knows nothing: equal priors, value 0 for everybody."""

    def __init__(self, players: int) -> None:
        self.players = players

    def __call__(self, states: States, offsets: Offsets, actions: Ints) -> tuple[Floats, Floats]:
        """Equal logits and values of 0."""
        return np.zeros(len(actions), np.float32), np.zeros((len(states), self.players), np.float32)


class NetworkCall(Protocol):
    """The inference of a network: the `evaluate` of `ringrift.networks.InferenceSession`."""

    def __call__(
        self, features: npt.NDArray[np.uint8], globals_: Floats, offsets: Offsets, actions: Ints
    ) -> tuple[Floats, Floats]:
        """Logits of the legal actions `[L]` and values `[batch, players]`, beginning with the player to act."""


@compiled
def hash_states(states: Any, hashes: Any) -> None:
    """Write the hash of every state into `hashes` (uint64)."""
    for row in range(len(states)):
        hashes[row] = state_hash(states[row])


class NetworkEvaluator:
    """Encodes the states, asks a network, and turns its values to seats."""

    def __init__(
        self, board: Board, players: int, version: FeatureVersion, network: NetworkCall, *, turned: bool = False
    ) -> None:
        """`turned` shows each position under a symmetry drawn by its hash: equal positions get equal answers."""
        self.board = board
        self.version = version
        self.network = network
        self.turned = turned
        self.symmetries = symmetries(board, players)
        self.features, self.globals = new_batch(version, board, 0)
        self.seconds = 0.0
        """Time spent in the network so far."""

    def __call__(self, states: States, offsets: Offsets, actions: Ints) -> tuple[Floats, Floats]:
        """Encode and evaluate a batch of any size."""
        if len(states) > len(self.features):
            self.features, self.globals = new_batch(self.version, self.board, len(states))
        drawn = None
        if self.turned:
            hashes = np.empty(len(states), np.uint64)
            hash_states(states, hashes)
            drawn = (hashes % np.uint64(len(self.board.symmetries))).astype(np.int32)
            actions = self.symmetries.actions[np.repeat(drawn, np.diff(offsets)), actions]
        rows = encode_batch(states, self.version, self.board, self.features, self.globals, symmetries=drawn)
        start = time.perf_counter()
        logits, values = self.network(self.features[:rows], self.globals[:rows], offsets, actions)
        self.seconds += time.perf_counter() - start
        return logits, to_absolute(values, states["player"].astype(np.int64))
