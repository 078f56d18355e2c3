"""Energy-based move optimisation: gradient descent on the embedding of an action.

Several descents begin at the embeddings of legal actions drawn at random. Each step goes down the gradient of the
energy and then some way towards the legal actions around it, a mean of their embeddings weighted by distance, more of
the way with every step: a soft projection. In the end each is at the legal action that lies nearest, and of these the
one of the lowest energy is played.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from ringrift.energy.layout import EMBEDDING, HIDDEN, PAIR, EnergyWeights, input_count
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import F32, I64

RATE: Final = 1.0
"""The step along the gradient. With 0.1, 0.3 and 1.0 the action of the lowest energy of all was found in 61, 80 and
93 % of 229 positions of square8_2p (5 descents of 50 steps)."""
SHARPNESS: Final = 8.0
"""The rate at which the weight of a legal action falls with the square of its distance. With 2 the projection is at the
mean of all legal actions, and the action of the lowest energy was reached in 30 % (rate 0.1)."""


class Room(NamedTuple):
    """Room for the descents of one thread, and the one layer that it needs the other way round."""

    inputs: F32
    """`[I]`."""
    hidden: F32
    """`[HIDDEN]`."""
    base: F32
    """`[PAIR]`, the state's part of the sums of a pair."""
    sums: F32
    """`[PAIR]`, those sums."""
    action: F32
    """`[EMBEDDING]`, where a descent is."""
    mean: F32
    """`[EMBEDDING]`, the mean of the legal actions around it."""
    embeddings: F32
    """`[actions, EMBEDDING]`, those of the legal actions of one position."""
    order: I64
    """`[actions]`, the order in which descents begin at them."""
    transposed: F32
    """`[PAIR, EMBEDDING]`, `pair_action` of the weights."""


def new_room(weights: EnergyWeights, players: int, actions: int) -> Room:
    """Return room for positions of at most that many legal actions."""
    return Room(
        inputs=np.empty(input_count(players), np.float32),
        hidden=np.empty(HIDDEN, np.float32),
        base=np.empty(PAIR, np.float32),
        sums=np.empty(PAIR, np.float32),
        action=np.empty(EMBEDDING, np.float32),
        mean=np.empty(EMBEDDING, np.float32),
        embeddings=np.empty((actions, EMBEDDING), np.float32),
        order=np.empty(actions, np.int64),
        transposed=np.ascontiguousarray(weights.pair_action.T),
    )


@compiled
def write_layer(x: F32, weights: F32, bias: F32, out: F32) -> None:
    """Write `x @ weights + bias`."""
    for k in range(len(out)):
        out[k] = bias[k]
    for d in range(len(x)):
        for k in range(len(out)):
            out[k] += x[d] * weights[d, k]


@compiled
def embed_state(weights: EnergyWeights, room: Room) -> None:
    """Write the state's part of the sums of a pair, of the inputs in `room`, into `base`."""
    write_layer(room.inputs, weights.state_in, weights.state_in_bias, room.hidden)
    rectify(room.hidden)
    write_layer(room.hidden, weights.state_out, weights.state_out_bias, room.action)
    squash(room.action)
    write_layer(room.action, weights.pair_state, weights.pair_bias, room.base)


@compiled
def embed_action(weights: EnergyWeights, room: Room, embedding: F32) -> None:
    """Write the embedding of the action whose inputs are in `room`."""
    write_layer(room.inputs, weights.action_in, weights.action_in_bias, room.hidden)
    rectify(room.hidden)
    write_layer(room.hidden, weights.action_out, weights.action_out_bias, embedding)
    squash(embedding)


@compiled
def rectify(values: F32) -> None:
    """Replace what is below 0 by 0."""
    for k in range(len(values)):
        values[k] = max(values[k], np.float32(0))


@compiled
def squash(values: F32) -> None:
    """Replace values by their tanh."""
    for k in range(len(values)):
        values[k] = np.tanh(values[k])


@compiled
def energy(weights: EnergyWeights, room: Room, embedding: F32) -> float:
    """Return the energy of an action's embedding beside the state of `base`."""
    write_layer(embedding, weights.pair_action, room.base, room.sums)
    total = np.float32(0)
    for k in range(len(room.sums)):
        x = room.sums[k]
        total += weights.pair_out[k] * (max(x, np.float32(0)) + np.log1p(np.exp(-abs(x))))  # softplus
    return float(total)


@compiled
def go_down(weights: EnergyWeights, room: Room) -> None:
    """Move the embedding of a descent one step down the gradient of the energy."""
    write_layer(room.action, weights.pair_action, room.base, room.sums)
    for k in range(len(room.sums)):
        slope = np.float32(RATE) * weights.pair_out[k] / (np.float32(1) + np.exp(-room.sums[k]))
        for d in range(len(room.action)):
            room.action[d] -= slope * room.transposed[k, d]


@compiled
def distance(one: F32, other: F32) -> float:
    """Return the square of the distance."""
    total = np.float32(0)
    for d in range(len(one)):
        total += (one[d] - other[d]) ** 2
    return float(total)


@compiled
def nearest(room: Room, count: int) -> int:
    """Return the first of the nearest of `count` legal actions."""
    best = 0
    least = float(np.inf)
    for i in range(count):
        here = distance(room.embeddings[i], room.action)
        if here < least:
            best, least = i, here
    return best


@compiled
def project(room: Room, count: int, pull: float) -> None:
    """Move the embedding of a descent towards the mean of the legal ones around it, `pull` (0 … 1) of the way."""
    action, mean = room.action, room.mean
    least = distance(room.embeddings[nearest(room, count)], action)
    for d in range(len(mean)):
        mean[d] = 0
    total = np.float32(0)
    for i in range(count):
        share = np.exp(np.float32(SHARPNESS) * (least - distance(room.embeddings[i], action)))
        total += share
        for d in range(len(mean)):
            mean[d] += share * room.embeddings[i, d]
    for d in range(len(action)):
        action[d] += np.float32(pull) * (mean[d] / total - action[d])


@compiled
def descend(weights: EnergyWeights, room: Room, count: int, start: int, steps: int) -> int:
    """Return which of `count` legal actions a descent ends at that begins at the one of number `start`."""
    for d in range(len(room.action)):
        room.action[d] = room.embeddings[start, d]
    for i in range(steps):
        go_down(weights, room)
        project(room, count, (i + 1) / steps)
    return nearest(room, count)
