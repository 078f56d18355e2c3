"""The agent that looks one action ahead and evaluates by the heuristic."""

from __future__ import annotations

from typing import Final

import numpy as np

from ringrift.agents.agent import Agent
from ringrift.agents.sampling import sample
from ringrift.game.boards import Board
from ringrift.game.state import new_workspace
from ringrift.game.types import States
from ringrift.heuristic import HeuristicEvaluator, Weights
from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import uniform
from ringrift.kernels.types import F32, I32, I64
from ringrift.search import SearchOutput
from ringrift.search.game_adapter import decision_key
from ringrift.search.legal import list_legal
from ringrift.search.output import empty_output

TIE: Final = 1e-4
"""Logits that differ by less are equal: floating point sums in another order differ in the last digits."""


class HeuristicAgent(Agent):
    """An agent that plays the action with the best evaluation for itself, at a temperature a sample of its policy.

    The policy is the softmax of the scores one ply ahead times `SHARPNESS`; the values are the evaluation of the
    position. Among equally good actions the one to play depends on seed, game and decision.
    """

    def __init__(
        self,
        board: Board,
        players: int,
        weights: Weights,
        *,
        temperature: float = 0,
        seed: int = 0,
    ) -> None:
        self.board = board
        self.players = players
        self.evaluator = HeuristicEvaluator(board, players, weights)
        self.temperature = temperature
        self.seed = np.uint64(seed)
        self.work = new_workspace(board)

    def act(self, states: States, games: I64) -> SearchOutput:
        """Score every legal action of all positions."""
        output = empty_output(*list_legal(states, self.board.tables, self.work), self.players)
        logits, values = self.evaluator(states, output.policy_offsets, output.policy_actions)
        choose_best(
            logits,
            output.policy_actions,
            output.policy_offsets,
            states,
            games,
            self.seed,
            output.chosen_actions,
            output.policy_probs,
        )
        return output._replace(
            root_values=values, chosen_actions=sample(output, states, games, self.temperature, self.seed)
        )


@compiled
def choose_best(
    logits: F32, legal: I32, offsets: I64, states: States, games: I64, seed: np.uint64, chosen: I32, policy: F32
) -> None:
    """Write the softmax of every ragged row of logits, and its best action; the decision key breaks ties."""
    for row in range(len(states)):
        first, last = offsets[row], offsets[row + 1]
        highest = logits[first]
        for i in range(first, last):
            highest = max(highest, logits[i])
        key = decision_key(seed, games[row], states[row])
        total = 0.0
        best = -1.0
        for i in range(first, last):
            policy[i] = np.exp(logits[i] - highest)
            total += policy[i]
            if logits[i] > highest - TIE:
                draw = uniform(key, i - first)
                if draw > best:
                    chosen[row], best = legal[i], draw
        for i in range(first, last):
            policy[i] /= total
