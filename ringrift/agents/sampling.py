"""Actions drawn from the policies of search outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ringrift.agents.agent import GameNumbers
from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import uniform
from ringrift.search import SearchOutput
from ringrift.search.evaluators import States
from ringrift.search.game_adapter import decision_key

Actions = npt.NDArray[np.int32]
Temperatures = npt.NDArray[np.float64]


def sample(
    output: SearchOutput, states: States, games: GameNumbers, temperature: float | Temperatures, seed: np.uint64
) -> Actions:
    """An action for each position, drawn from its policy ** (1 / temperature); at 0 the chosen one.

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
    policy: Any, legal: Any, offsets: Any, states: Any, games: Any, seed: np.uint64, temperatures: Any, actions: Any
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
