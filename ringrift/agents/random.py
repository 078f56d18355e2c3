"""The player without a plan."""

from __future__ import annotations

from typing import Any

import numpy as np

from ringrift.agents.agent import Agent, GameNumbers
from ringrift.game.boards import Board
from ringrift.game.state import new_workspace
from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import random_below
from ringrift.search import Found
from ringrift.search.evaluators import States
from ringrift.search.found import empty_found
from ringrift.search.legal import list_legal
from ringrift.search.rules import decision_key


class RandomAgent(Agent):
    """Plays any legal action, each as likely as the others."""

    has_findings = False

    def __init__(self, board: Board, players: int, seed: int) -> None:
        self.board = board
        self.players = players
        self.seed = np.uint64(seed)
        self.work = new_workspace(board)

    def find(self, states: States, games: GameNumbers) -> Found:
        """A random legal action for each position."""
        found = empty_found(*list_legal(states, self.board.tables, self.work), self.players)
        draw_actions(found.actions, found.offsets, states, games, self.seed, found.chosen, found.policy)
        return found


@compiled
def draw_actions(legal: Any, offsets: Any, states: Any, games: Any, seed: np.uint64, chosen: Any, policy: Any) -> None:
    """Draw an action of every ragged row, each as likely as the others."""
    for row in range(len(states)):
        first, last = offsets[row], offsets[row + 1]
        key = decision_key(seed, games[row], states[row])
        chosen[row] = legal[first + random_below(key, 0, 0, last - first)]
        for i in range(first, last):
            policy[i] = 1 / (last - first)
