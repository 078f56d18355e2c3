"""Evaluators for Connect Four that every program can have: a tiny network, and random games to the end."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ringrift.benchmarks.connect_four import COLUMNS, CONNECT_FOUR, INPUTS, encode, legal_actions, outcome, step
from ringrift.game.types import States
from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import mix64, random_below
from ringrift.kernels.threads import share_out
from ringrift.kernels.types import F32, I32, I64
from ringrift.search.game_adapter import GameTables, GameWorkspace

WIDTH = 64


class Weights(NamedTuple):
    """The weights of two hidden layers, and of heads for policy and value."""

    first: F32
    """`[INPUTS, WIDTH]`"""
    second: F32
    """`[WIDTH, WIDTH]`"""
    policy: F32
    """`[WIDTH, COLUMNS]`"""
    value: F32
    """`[WIDTH, 1]`"""


def random_weights(seed: int = 0) -> Weights:
    """Return random weights."""
    draw = np.random.default_rng(seed)
    shapes = [(INPUTS, WIDTH), (WIDTH, WIDTH), (WIDTH, COLUMNS), (WIDTH, 1)]
    return Weights(*(draw.normal(0, (2 / rows) ** 0.5, (rows, columns)).astype(np.float32) for rows, columns in shapes))


def forward(weights: Weights, inputs: F32, numbers: Any = np) -> tuple[Any, Any]:
    """Return logits `[batch, COLUMNS]` and values `[batch]` of the player to move; `numbers`: numpy or `jax.numpy`."""
    hidden = numbers.maximum(inputs @ weights.first, 0)
    hidden = numbers.maximum(hidden @ weights.second, 0)
    return hidden @ weights.policy, numbers.tanh(hidden @ weights.value)[:, 0]


class TinyNetwork:
    """The network as an evaluator of our searches."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.inputs = np.empty((0, INPUTS), np.float32)

    def __call__(self, states: States, offsets: I64, actions: I32) -> tuple[F32, F32]:
        """Return logits of the legal columns, and values by seat."""
        if len(states) > len(self.inputs):
            self.inputs = np.empty((len(states), INPUTS), np.float32)
        inputs = self.inputs[: len(states)]
        encode(states, inputs)
        logits, own = forward(self.weights, inputs)
        to_first = np.where(states["player"] == 1, own, -own)
        rows = np.repeat(np.arange(len(states)), np.diff(offsets))
        return logits[rows, actions], np.stack([to_first, -to_first], axis=1)


@compiled
def roll_out(
    states: States, first: int, last: int, board: GameTables, work: GameWorkspace, seed: np.uint64, values: F32
) -> None:
    """Play a random game from each of the states `first` … `last`−1 and write its outcome into `values`."""
    for index in range(first, last):
        state = states[index]
        key = mix64(seed ^ np.uint64(state.stones[0])) ^ np.uint64(state.stones[1])
        count = legal_actions(state, board, work, work.actions)
        while count > 0:
            step(state, work.actions[random_below(key, 0, state.ply, count)], board, work)
            count = legal_actions(state, board, work, work.actions)
        outcome(state, values[index])


class Rollouts:
    """An evaluator of equal priors, and the outcome of one random game as value."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = np.uint64(seed)

    def __call__(self, states: States, offsets: I64, actions: I32) -> tuple[F32, F32]:
        """Play all states to their ends."""
        values: F32 = np.empty((len(states), 2), np.float32)
        played = states.copy()

        def run(first: int, last: int) -> None:
            roll_out(played, first, last, CONNECT_FOUR.tables, CONNECT_FOUR.workspace(), self.seed, values)

        share_out(len(states), run, grain=32)
        return np.zeros(len(actions), np.float32), values
