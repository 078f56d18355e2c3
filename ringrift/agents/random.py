"""The player without a plan."""

from __future__ import annotations

from typing import Any

import numpy as np

from ringrift.agents.agent import Agent, GameNumbers
from ringrift.game.boards import Board
from ringrift.game.state import new_workspace
from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import random_below
from ringrift.search import SearchOutput
from ringrift.search.evaluators import States
from ringrift.search.game_adapter import decision_key
from ringrift.search.legal import list_legal
from ringrift.search.output import empty_output


class RandomAgent(Agent):
    """Plays any legal action, each as likely as the others."""

    provides_targets = False

    def __init__(self, board: Board, players: int, seed: int) -> None:
        self.board = board
        self.players = players
        self.seed = np.uint64(seed)
        self.work = new_workspace(board)

    def act(self, states: States, games: GameNumbers) -> SearchOutput:
        """A random legal action for each position."""
        output = empty_output(*list_legal(states, self.board.tables, self.work), self.players)
        draw_actions(
            output.policy_actions,
            output.policy_offsets,
            states,
            games,
            self.seed,
            output.chosen_actions,
            output.policy_probs,
        )
        return output


@compiled
def draw_actions(legal: Any, offsets: Any, states: Any, games: Any, seed: np.uint64, chosen: Any, policy: Any) -> None:
    """Draw an action of every ragged row, each as likely as the others."""
    for row in range(len(states)):
        first, last = offsets[row], offsets[row + 1]
        key = decision_key(seed, games[row], states[row])
        chosen[row] = legal[first + random_below(key, 0, 0, last - first)]
        for i in range(first, last):
            policy[i] = 1 / (last - first)
