"""The players that search."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ringrift.agents.agent import Agent, GameNumbers
from ringrift.agents.sampling import sample
from ringrift.search import NetworkEvaluator, PuctSearch, SearchOutput
from ringrift.search.evaluators import States


class Search(Protocol):
    """Any search of positions of many games."""

    def run(self, states: States, games: GameNumbers) -> SearchOutput:
        """Search positions `[games]` in which somebody has to act."""
        ...


class SearchAgent(Agent):
    """Plays what a search finds: its choice at temperature 0, else a sample of its policy ** (1 / temperature)."""

    def __init__(
        self, search: Search, *, temperature: float, seed: int, network: NetworkEvaluator | None = None
    ) -> None:
        """`network` is what the search asks, if it is one."""
        self.search = search
        self.network = network
        self.temperature = temperature
        self.seed = np.uint64(seed)

    def act(self, states: States, games: GameNumbers) -> SearchOutput:
        """Search all positions side by side."""
        output = self.search.run(states, games)
        return output._replace(chosen_actions=sample(output, states, games, self.temperature, self.seed))

    @property
    def network_seconds(self) -> float:
        """Time spent in the network."""
        return self.network.seconds if self.network else 0.0

    def forget(self, games: GameNumbers) -> None:
        """Give up the trees of these games."""
        if isinstance(self.search, PuctSearch):
            self.search.forget(games)
