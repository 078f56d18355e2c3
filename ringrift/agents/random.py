"""The agent that plays at random."""

from __future__ import annotations

import numpy as np

from ringrift.agents.agent import Agent
from ringrift.game.boards import Board
from ringrift.game.state import new_workspace
from ringrift.game.types import States
from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import random_below
from ringrift.kernels.types import F32, I32, I64
from ringrift.search import SearchOutput
from ringrift.search.game_adapter import decision_key
from ringrift.search.legal import list_legal
from ringrift.search.output import empty_output


class RandomAgent(Agent):
    """An agent that plays any legal action, each as likely as the others."""

    provides_targets = False

    def __init__(self, board: Board, players: int, seed: int) -> None:
        self.board = board
        self.players = players
        self.seed = np.uint64(seed)
        self.work = new_workspace(board)

    def act(self, states: States, games: I64) -> SearchOutput:
        """Draw a legal action for each position."""
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
def draw_actions(
    legal: I32, offsets: I64, states: States, games: I64, seed: np.uint64, chosen: I32, policy: F32
) -> None:
    """Draw an action of every ragged row, each as likely as the others."""
    for row in range(len(states)):
        first, last = offsets[row], offsets[row + 1]
        key = decision_key(seed, games[row], states[row])
        chosen[row] = legal[first + random_below(key, 0, 0, last - first)]
        for i in range(first, last):
            policy[i] = 1 / (last - first)
