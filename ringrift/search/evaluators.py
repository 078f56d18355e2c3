"""Evaluators of leaves: anything that maps a batch of states to prior logits and values."""

from __future__ import annotations

import time
from typing import Protocol

import numpy as np

from ringrift.encoding import FeatureVersion, encode_batch, new_batch, symmetries, to_absolute
from ringrift.game.boards import Board
from ringrift.game.state import state_hash
from ringrift.game.types import States
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import F32, I32, I64, U8, U64


class Evaluator(Protocol):
    """A function from states `[batch]` to logits of their legal actions and to values."""

    def __call__(self, states: States, offsets: I64, actions: I32) -> tuple[F32, F32]:
        """Evaluate a batch of states.

        `actions` `[L]` are the legal actions of all states, those of state i at `offsets[i]` … `offsets[i + 1]`−1.
        Returns logits `[L]` and values `[batch, players]` by seat, −1 … 1.
        """


class UniformEvaluator:
    """The evaluator without knowledge: equal priors, value 0 for every player."""

    def __init__(self, players: int) -> None:
        self.players = players

    def __call__(self, states: States, offsets: I64, actions: I32) -> tuple[F32, F32]:
        """Return equal logits and values of 0."""
        return np.zeros(len(actions), np.float32), np.zeros((len(states), self.players), np.float32)


class NetworkCall(Protocol):
    """The inference of a network, such as `evaluate` of `ringrift.networks.InferenceSession`."""

    def __call__(self, features: U8, globals_: F32, offsets: I64, actions: I32) -> tuple[F32, F32]:
        """Return logits of the legal actions `[L]` and values `[batch, players]`, beginning with the player to act."""


@compiled
def hash_states(states: States, hashes: U64) -> None:
    """Write the hash of every state into `hashes` (uint64)."""
    for row in range(len(states)):
        hashes[row] = state_hash(states[row])


class NetworkEvaluator:
    """The evaluator that encodes states, runs a network on them, and gives its values by seat."""

    def __init__(
        self,
        board: Board,
        players: int,
        version: FeatureVersion,
        network: NetworkCall,
        *,
        random_symmetry: bool = False,
    ) -> None:
        """Make an evaluator; with `random_symmetry`, each position is turned by a symmetry that its hash draws."""
        self.board = board
        self.version = version
        self.network = network
        self.random_symmetry = random_symmetry
        self.symmetries = symmetries(board, players)
        self.features, self.globals = new_batch(version, board, 0)
        self.seconds = 0.0
        """Time that the network has taken so far."""

    def __call__(self, states: States, offsets: I64, actions: I32) -> tuple[F32, F32]:
        """Encode and evaluate a batch of any size."""
        if len(states) > len(self.features):
            self.features, self.globals = new_batch(self.version, self.board, len(states))
        drawn = None
        if self.random_symmetry:
            hashes = np.empty(len(states), np.uint64)
            hash_states(states, hashes)
            drawn = (hashes % np.uint64(len(self.board.symmetries))).astype(np.int32)
            actions = self.symmetries.actions[np.repeat(drawn, np.diff(offsets)), actions]
        rows = encode_batch(states, self.version, self.board, self.features, self.globals, symmetries=drawn)
        start = time.perf_counter()
        logits, values = self.network(self.features[:rows], self.globals[:rows], offsets, actions)
        self.seconds += time.perf_counter() - start
        return logits, to_absolute(values, states["player"].astype(np.int64))
