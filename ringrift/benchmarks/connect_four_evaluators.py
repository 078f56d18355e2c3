"""Evaluators for Connect Four that every program can have: a tiny network, and random games to the end."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ringrift.benchmarks.connect_four import COLUMNS, CONNECT_FOUR, INPUTS, States, encode, legal_actions, outcome, step
from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import mix64, random_below
from ringrift.kernels.threads import share_out
from ringrift.search.evaluators import Floats, Ints, Offsets

WIDTH = 64


class Weights(NamedTuple):
    """Two hidden layers, and heads for policy and value."""

    first: Floats
    """`[INPUTS, WIDTH]`"""
    second: Floats
    """`[WIDTH, WIDTH]`"""
    policy: Floats
    """`[WIDTH, COLUMNS]`"""
    value: Floats
    """`[WIDTH, 1]`"""


def random_weights(seed: int = 0) -> Weights:
    """Weights that nobody has trained."""
    draw = np.random.default_rng(seed)
    shapes = [(INPUTS, WIDTH), (WIDTH, WIDTH), (WIDTH, COLUMNS), (WIDTH, 1)]
    return Weights(*(draw.normal(0, (2 / rows) ** 0.5, (rows, columns)).astype(np.float32) for rows, columns in shapes))


def forward(weights: Weights, inputs: Any, numbers: Any = np) -> tuple[Any, Any]:
    """Logits `[batch, COLUMNS]` and values `[batch]` to the player to move; `numbers` is numpy or `jax.numpy`."""
    hidden = numbers.maximum(inputs @ weights.first, 0)
    hidden = numbers.maximum(hidden @ weights.second, 0)
    return hidden @ weights.policy, numbers.tanh(hidden @ weights.value)[:, 0]


class TinyNetwork:
    """The network as an evaluator of our searches."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.inputs = np.empty((0, INPUTS), np.float32)

    def __call__(self, states: States, offsets: Offsets, actions: Ints) -> tuple[Floats, Floats]:
        """Logits of the legal columns, and values by seat."""
        if len(states) > len(self.inputs):
            self.inputs = np.empty((len(states), INPUTS), np.float32)
        inputs = self.inputs[: len(states)]
        encode(states, inputs)
        logits, own = forward(self.weights, inputs)
        to_first = np.where(states["player"] == 1, own, -own)
        rows = np.repeat(np.arange(len(states)), np.diff(offsets))
        return logits[rows, actions], np.stack([to_first, -to_first], axis=1)


@compiled
def roll_out(states: Any, first: int, last: int, board: Any, work: Any, seed: np.uint64, values: Any) -> None:
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
    """Equal priors, and the outcome of one random game for a value."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = np.uint64(seed)

    def __call__(self, states: States, offsets: Offsets, actions: Ints) -> tuple[Floats, Floats]:
        """Play all states to their ends."""
        values: npt.NDArray[np.float32] = np.empty((len(states), 2), np.float32)
        played = states.copy()

        def run(first: int, last: int) -> None:
            roll_out(played, first, last, CONNECT_FOUR.tables, CONNECT_FOUR.workspace(), self.seed, values)

        share_out(len(states), run, grain=32)
        return np.zeros(len(actions), np.float32), values
