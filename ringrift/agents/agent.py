"""What every player is: positions of many games in, an action for each out."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt

from ringrift.search import SearchOutput
from ringrift.search.evaluators import States

GameNumbers = npt.NDArray[np.int64]


class Agent(ABC):
    """A player. What it plays depends on its seed, the game's number and what happened in that game alone."""

    provides_targets: bool = True
    """Whether its policies and values say something about the positions; not if it plays anything."""

    @property
    def network_seconds(self) -> float:
        """Time that it has spent in a network so far; beside other work, where there is a GPU."""
        return 0.0

    @abstractmethod
    def act(self, states: States, games: GameNumbers) -> SearchOutput:
        """What to play, and why, in positions `[games]` in which somebody has to act.

        `games` are the numbers of the games in the run.
        """

    def forget(self, games: GameNumbers) -> None:  # noqa: B027 - most players have nothing to forget
        """These games are over: give up what is kept about them."""
