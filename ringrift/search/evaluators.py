"""Evaluators of leaves: anything that maps a batch of states to prior logits and values."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, Self, TypeVar, runtime_checkable

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


@runtime_checkable
class CompiledEvaluator(Evaluator, Protocol):
    """An evaluator that a search calls leaf by leaf without Python: it has a kernel in `leaf_evaluation`."""

    def leaf_memory(self, states: States, *, alone: bool) -> Any:
        """Return what a thread needs to evaluate leaves, a named tuple whose type names the kernel; None if it cannot.

        `states` `[slots, nodes]` are those of the trees; `alone` says that no other thread evaluates meanwhile.
        """


class UniformLeaves(NamedTuple):
    """The empty memory with which a compiled search evaluates its leaves without knowledge."""

    nothing: int = 0


class UniformEvaluator:
    """The evaluator without knowledge: equal priors, value 0 for every player."""

    def __init__(self, players: int) -> None:
        self.players = players

    def __call__(self, states: States, offsets: I64, actions: I32) -> tuple[F32, F32]:
        """Return equal logits and values of 0."""
        return np.zeros(len(actions), np.float32), np.zeros((len(states), self.players), np.float32)

    def leaf_memory(self, states: States, *, alone: bool) -> UniformLeaves:
        """Return what tells a compiled search that nothing is known."""
        return UniformLeaves()


Pending = Callable[[], tuple[F32, F32]]
"""A function, to be called once, that waits for an evaluation and returns what an `Evaluator` returns."""


@runtime_checkable
class PipelinedEvaluator(Evaluator, Protocol):
    """An evaluator that computes on another device while the caller goes on."""

    def begin(self, states: States, offsets: I64, actions: I32, rows: I64 | None = None) -> Pending:
        """Begin with the evaluation of a batch, or of those `rows` `[M]` of the states; what is returned waits for it.

        `offsets` and `actions` are those of the rows. What is returned is the caller's until the next batch begins.
        """


class InferenceMemory(Protocol):
    """Memory that a batch is encoded into, with room for at least as many positions as asked for."""

    features: U8
    """`[rows, planes, H, W]`."""
    globals: F32
    """`[rows, G]`."""


MemoryT = TypeVar("MemoryT", bound=InferenceMemory)


class Inference(Protocol[MemoryT]):
    """The inference of a network: `ringrift.networks.InferenceSession`."""

    def reserve(self, rows: int, actions: int) -> MemoryT:
        """Return memory for so many positions and legal actions."""

    def begin(self, buffers: MemoryT, rows: int, offsets: I64, actions: I32) -> Pending:
        """Begin with what has been written there.

        What is returned waits, and returns logits of the legal actions `[L]` and values `[batch, players]`, beginning
        with the player to act.
        """


NetworkFunction = Callable[[U8, F32, I64, I32], tuple[F32, F32]]
"""A function from a batch's features, globals, offsets and legal actions to logits and values."""


class _Batch(NamedTuple):
    """The memory of one batch for `_FunctionInference`."""

    features: U8
    globals: F32


class _FunctionInference:
    """The inference of a function of features, globals, offsets and actions, which computes when it is asked."""

    def __init__(self, version: FeatureVersion, board: Board, function: NetworkFunction):
        self.version = version
        self.board = board
        self.function = function

    def reserve(self, rows: int, actions: int) -> _Batch:
        return _Batch(*new_batch(self.version, self.board, rows))

    def begin(self, buffers: _Batch, rows: int, offsets: I64, actions: I32) -> Pending:
        answer = self.function(buffers.features[:rows], buffers.globals[:rows], offsets, actions)
        return lambda: answer


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
        network: Inference[Any],
        *,
        random_symmetry: bool = False,
    ) -> None:
        """Make an evaluator; with `random_symmetry`, each position is turned by a symmetry that its hash draws."""
        self.board = board
        self.version = version
        self.network = network
        self.random_symmetry = random_symmetry
        self.symmetries = symmetries(board, players)
        self.seconds = 0.0
        """The time that the caller has spent in the network so far: asking, and waiting for answers."""

    @classmethod
    def of_function(
        cls,
        board: Board,
        players: int,
        version: FeatureVersion,
        function: NetworkFunction,
        *,
        random_symmetry: bool = False,
    ) -> Self:
        """Make an evaluator of any function from a batch's features, globals, offsets and actions to logits and values.

        `[B, planes, H, W]`, `[B, G]`, `[B + 1]` and the legal actions of all positions in a row `[L]` to logits `[L]`
        and values `[B, players]`, beginning with the player to act.
        """
        network = _FunctionInference(version, board, function)
        return cls(board, players, version, network, random_symmetry=random_symmetry)

    def __call__(self, states: States, offsets: I64, actions: I32) -> tuple[F32, F32]:
        """Encode and evaluate a batch of any size."""
        return self.begin(states, offsets, actions)()

    def begin(self, states: States, offsets: I64, actions: I32, rows: I64 | None = None) -> Pending:
        """Encode a batch into the network's own memory, and let it begin."""
        count = len(states) if rows is None else len(rows)
        buffers = self.network.reserve(count, len(actions))
        drawn = None
        if self.random_symmetry:
            hashes = np.empty(len(states), np.uint64)
            hash_states(states, hashes)
            drawn = (hashes % np.uint64(len(self.board.symmetries))).astype(np.int32)
            drawn = drawn if rows is None else drawn[rows]
            actions = self.symmetries.actions[np.repeat(drawn, np.diff(offsets)), actions]
        picked = None if rows is None else rows.astype(np.int32)
        encode_batch(states, self.version, self.board, buffers.features, buffers.globals, rows=picked, symmetries=drawn)
        start = time.perf_counter()
        pending = self.network.begin(buffers, count, offsets, actions)
        self.seconds += time.perf_counter() - start
        seats = states["player"] if rows is None else states["player"][rows]
        seats = seats.astype(np.int64)

        def result() -> tuple[F32, F32]:
            start = time.perf_counter()
            logits, values = pending()
            self.seconds += time.perf_counter() - start
            return logits, to_absolute(values, seats)

        return result
