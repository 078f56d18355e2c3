"""Compiled loops around single kernels, so that calling them from Python is not what is measured."""

from __future__ import annotations

import numpy as np

from ringrift.game.state import state_hash
from ringrift.game.turn import step
from ringrift.game.types import BoardTables, States, Workspace
from ringrift.heuristic import evaluate
from ringrift.heuristic.features import Scratch
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import F32, F64, I32


@compiled
def copy_states(states: States, copies: int) -> None:
    """Copy `copies` times from one element to the next."""
    count = len(states)
    for i in range(copies):
        states[(i + 1) % count] = states[i % count]


@compiled
def hash_states(states: States, repeats: int) -> np.uint64:
    """Hash every state `repeats` times; the sum keeps the compiler from leaving it out."""
    total = np.uint64(0)
    for _ in range(repeats):
        for i in range(len(states)):
            total ^= state_hash(states[i])
            states[i].ply += 1
    return total


@compiled
def play_given(states: States, board: BoardTables, work: Workspace, actions: I32) -> None:
    """Play every game through given actions, `[games, length]`, up to the first −1."""
    for game in range(len(states)):
        for i in range(actions.shape[1]):
            if actions[game, i] < 0:
                break
            step(states[game], actions[game, i], board, work)


@compiled
def evaluate_each(
    states: States, board: BoardTables, weights: F64, scratch: Scratch, values: F32, repeats: int
) -> None:
    """Evaluate every state `repeats` times by the heuristic, into `values` `[states, MAX_PLAYERS]`."""
    for _ in range(repeats):
        for i in range(len(states)):
            evaluate(states[i], board, weights, scratch, values[i])
