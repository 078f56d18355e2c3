"""Players that stand for models with a fault, made in the process of the gate's trial in place of `make_agent`.

But for their fault they play like the heuristic, so that nothing else keeps them out.
"""

from __future__ import annotations

import time
from typing import Final

import numpy as np

from ringrift.agents import Agent, make_agent
from ringrift.game import Board
from ringrift.game.types import States
from ringrift.kernels.types import I64
from ringrift.search import SearchOutput

FAULTY_FROM: Final = 3
"""The call at which something goes wrong, with games under way."""


class Stand(Agent):
    """Plays like the heuristic."""

    def __init__(self, spec: str, board: Board, players: int, *, seed: int) -> None:
        self.plays = spec.startswith("gumbel:")  # in games; `policy` is asked about single positions
        self.agent = make_agent("heuristic", board, players, seed=seed)
        self.calls = 0

    def act(self, states: States, games: I64) -> SearchOutput:
        self.calls += 1
        output = self.agent.act(states, games)
        return self.change(output) if self.plays and self.calls >= FAULTY_FROM else output

    def change(self, output: SearchOutput) -> SearchOutput:
        return output


class Slow(Stand):
    """Needs 20 ms for an answer."""

    def act(self, states: States, games: I64) -> SearchOutput:
        time.sleep(0.02)
        return super().act(states, games)


class Cheating(Stand):
    """Plays what the rules do not allow."""

    def change(self, output: SearchOutput) -> SearchOutput:
        illegal = np.setdiff1d(np.arange(len(output.policy_actions) + 1, dtype=np.int32), output.policy_actions)[0]
        return output._replace(chosen_actions=np.full_like(output.chosen_actions, illegal))


class Hanging(Stand):
    """Never comes back."""

    def change(self, output: SearchOutput) -> SearchOutput:
        time.sleep(3600)
        return output


class Crashing(Stand):
    """Falls over."""

    def change(self, output: SearchOutput) -> SearchOutput:
        raise ZeroDivisionError("of the network")


class Broken(Stand):
    """Answers what is no number."""

    def act(self, states: States, games: I64) -> SearchOutput:
        output = super().act(states, games)
        return output._replace(root_values=np.full_like(output.root_values, np.nan))


class Aimless(Stand):
    """Plays at random."""

    def __init__(self, spec: str, board: Board, players: int, *, seed: int) -> None:
        super().__init__(spec, board, players, seed=seed)
        self.agent = make_agent("random", board, players, seed=seed)
