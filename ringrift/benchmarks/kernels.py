"""Loops around single kernels, compiled, so that calling them from Python is not what is measured."""

from __future__ import annotations

from typing import Any

import numpy as np

from ringrift.game.state import state_hash
from ringrift.game.turn import step
from ringrift.heuristic import evaluate
from ringrift.kernels.compiled import compiled


@compiled
def copy_states(states: Any, copies: int) -> None:
    """Copy that many times from one element to the next."""
    count = len(states)
    for i in range(copies):
        states[(i + 1) % count] = states[i % count]


@compiled
def hash_states(states: Any, repeats: int) -> np.uint64:
    """Hash every state that many times; the sum keeps the compiler from leaving it out."""
    total = np.uint64(0)
    for _ in range(repeats):
        for i in range(len(states)):
            total ^= state_hash(states[i])
            states[i].ply += 1
    return total


@compiled
def play_given(states: Any, board: Any, work: Any, actions: Any) -> None:
    """Play every game through given actions, `[games, length]`, up to the first −1."""
    for game in range(len(states)):
        for i in range(actions.shape[1]):
            if actions[game, i] < 0:
                break
            step(states[game], actions[game, i], board, work)


@compiled
def evaluate_each(states: Any, board: Any, weights: Any, scratch: Any, values: Any, repeats: int) -> None:
    """Evaluate every state that many times by the heuristic, into `values` `[states, MAX_PLAYERS]`."""
    for _ in range(repeats):
        for i in range(len(states)):
            evaluate(states[i], board, weights, scratch, values[i])
