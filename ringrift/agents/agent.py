"""The interface of every agent: from positions of many games to an action for each."""

from __future__ import annotations

from abc import ABC, abstractmethod

from ringrift.game.types import States
from ringrift.kernels.types import I32, I64
from ringrift.search import SearchOutput


class Agent(ABC):
    """An agent; what it plays depends on its seed, the game's number and what happened in that game alone."""

    provides_targets: bool = True
    """Whether its policies and values are worth learning; those of random play are not."""

    @property
    def network_seconds(self) -> float:
        """The time that it has spent in a network so far; beside other work, where there is a GPU."""
        return 0.0

    @abstractmethod
    def act(self, states: States, games: I64) -> SearchOutput:
        """Choose actions in positions `[games]` in which a player has to act.

        `games` are the numbers of the games in the run.
        """

    def limit_time(self, seconds: float) -> None:  # noqa: B027 - most players answer at once
        """End every search of a decision after that time; what is then known decides."""

    def learn(self, game: int, actions: I32) -> None:  # noqa: B027 - most players stay as they are
        """Learn from a game that has ended with a winner, by its number and all its actions; few agents do."""

    def forget(self, games: I64) -> None:  # noqa: B027 - most players have nothing to forget
        """Give up what is kept about games that are over."""
