"""Actions drawn from the policies of search outputs."""

from __future__ import annotations

import numpy as np

from ringrift.game.types import States
from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import uniform
from ringrift.kernels.types import F32, F64, I32, I64
from ringrift.search import SearchOutput
from ringrift.search.game_adapter import decision_key


def sample(output: SearchOutput, states: States, games: I64, temperature: float | F64, seed: np.uint64) -> I32:
    """Draw an action for each position from its policy ** (1 / temperature); at 0 take the chosen one.

    `temperature` is one for all positions, or `[games]`.
    """
    actions = output.chosen_actions.copy()
    temperatures = np.broadcast_to(np.asarray(temperature, np.float64), len(states)).copy()
    draw_from_policies(
        output.policy_probs, output.policy_actions, output.policy_offsets, states, games, seed, temperatures, actions
    )
    return actions


@compiled
def draw_from_policies(
    policy: F32, legal: I32, offsets: I64, states: States, games: I64, seed: np.uint64, temperatures: F64, actions: I32
) -> None:
    """Draw an action of every ragged row with probability policy ** (1 / temperature), but leave it at 0."""
    for row in range(len(states)):
        if temperatures[row] == 0:
            continue
        power = 1 / temperatures[row]
        first, last = offsets[row], offsets[row + 1]
        highest = 0.0
        for i in range(first, last):
            highest = max(highest, policy[i])
        total = 0.0
        for i in range(first, last):
            total += (policy[i] / highest) ** power
        # The searches use the numbers of the same key from 0 on; this one is drawn from a place of its own.
        left = uniform(decision_key(~seed, games[row], states[row]), 0) * total
        actions[row] = legal[first]
        for i in range(first, last):
            share = (policy[i] / highest) ** power
            if share > 0:
                actions[row] = legal[i]
            left -= share
            if left < 0:
                break
