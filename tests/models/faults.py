"""Players that stand for models with a fault, made in the process of the gate's trial in place of `make_agent`.

But for their fault they play like the heuristic, so that nothing else keeps them out.
"""

from __future__ import annotations

import time
from typing import Final

import numpy as np

from ringrift.agents import Agent, make_agent
from ringrift.agents.agent import GameNumbers
from ringrift.game import Board
from ringrift.search import Found
from ringrift.search.evaluators import States

FAULTY_FROM: Final = 3
"""The call at which something goes wrong, with games under way."""


class Stand(Agent):
    """Plays like the heuristic."""

    def __init__(self, spec: str, board: Board, players: int, *, seed: int) -> None:
        self.plays = spec.startswith("gumbel:")  # in games; `policy` is asked about single positions
        self.agent = make_agent("heuristic", board, players, seed=seed)
        self.calls = 0

    def find(self, states: States, games: GameNumbers) -> Found:
        self.calls += 1
        found = self.agent.find(states, games)
        return self.change(found) if self.plays and self.calls >= FAULTY_FROM else found

    def change(self, found: Found) -> Found:
        return found


class Slow(Stand):
    """Needs 20 ms for an answer."""

    def find(self, states: States, games: GameNumbers) -> Found:
        time.sleep(0.02)
        return super().find(states, games)


class Cheating(Stand):
    """Plays what the rules do not allow."""

    def change(self, found: Found) -> Found:
        illegal = np.setdiff1d(np.arange(len(found.actions) + 1, dtype=np.int32), found.actions)[0]
        return found._replace(chosen=np.full_like(found.chosen, illegal))


class Hanging(Stand):
    """Never comes back."""

    def change(self, found: Found) -> Found:
        time.sleep(3600)
        return found


class Crashing(Stand):
    """Falls over."""

    def change(self, found: Found) -> Found:
        raise ZeroDivisionError("of the network")


class Broken(Stand):
    """Answers what is no number."""

    def find(self, states: States, games: GameNumbers) -> Found:
        found = super().find(states, games)
        return found._replace(values=np.full_like(found.values, np.nan))


class Aimless(Stand):
    """Plays at random."""

    def __init__(self, spec: str, board: Board, players: int, *, seed: int) -> None:
        super().__init__(spec, board, players, seed=seed)
        self.agent = make_agent("random", board, players, seed=seed)
