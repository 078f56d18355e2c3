"""The inputs and the sizes of an energy network: the one place that lists them.

A position is seen by the player who chose the action: the features of the heuristic of every seat, that player's
first, then the phase, and the outcome where the game is over. The state network sees the position before the action,
the action network the one that it leads to, with all forced actions after it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from ringrift.game.state import PHASE_NAMES
from ringrift.heuristic.layout import FEATURE_NAMES
from ringrift.kernels.types import F32

VERSION: Final = 1
"""The version of inputs, sizes and file format; a network of another one is refused."""
HIDDEN: Final = 64
"""Neurons between the inputs and an embedding, in the state network and in the action network."""
EMBEDDING: Final = 32
"""Numbers of an embedding, −1 … 1."""
PAIR: Final = 64
"""Neurons between a pair of embeddings and its energy."""
FEATURES: Final = len(FEATURE_NAMES)
PHASES: Final = len(PHASE_NAMES)


class EnergyWeights(NamedTuple):
    """The weights of an energy network; matrices are `[inputs, outputs]`."""

    state_in: F32
    """`[I, HIDDEN]`."""
    state_in_bias: F32
    state_out: F32
    """`[HIDDEN, EMBEDDING]`."""
    state_out_bias: F32
    action_in: F32
    """`[I, HIDDEN]`."""
    action_in_bias: F32
    action_out: F32
    """`[HIDDEN, EMBEDDING]`."""
    action_out_bias: F32
    pair_state: F32
    """`[EMBEDDING, PAIR]`."""
    pair_action: F32
    """`[EMBEDDING, PAIR]`."""
    pair_bias: F32
    pair_out: F32
    """`[PAIR]`."""


def input_count(players: int) -> int:
    """Return the number of inputs, I, of each of the two networks."""
    return players * FEATURES + PHASES + 1


def weight_shapes(players: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of every part of the weights, by its name."""
    inputs = input_count(players)
    embed = ((inputs, HIDDEN), (HIDDEN,), (HIDDEN, EMBEDDING), (EMBEDDING,))
    pair = ((EMBEDDING, PAIR), (EMBEDDING, PAIR), (PAIR,), (PAIR,))
    return dict(zip(EnergyWeights._fields, (*embed, *embed, *pair), strict=True))
