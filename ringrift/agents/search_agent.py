"""The agents that search."""

from __future__ import annotations

import numpy as np

from ringrift.agents.agent import Agent
from ringrift.agents.sampling import sample
from ringrift.game.types import States
from ringrift.kernels.types import I64
from ringrift.search import NetworkEvaluator, Search, SearchOutput
from ringrift.search.batched import BatchedSearch


class SearchAgent(Agent):
    """An agent that plays what a search chooses, or at a temperature a sample of its policy ** (1 / temperature)."""

    def __init__(
        self, search: Search, *, temperature: float, seed: int, network: NetworkEvaluator | None = None
    ) -> None:
        """Make an agent; `network` is the search's evaluator, if it is a network."""
        self.search = search
        self.network = network
        self.temperature = temperature
        self.seed = np.uint64(seed)

    def act(self, states: States, games: I64) -> SearchOutput:
        """Search all positions side by side."""
        output = self.search.run(states, games)
        return output._replace(chosen_actions=sample(output, states, games, self.temperature, self.seed))

    @property
    def network_seconds(self) -> float:
        """The time spent in the network."""
        return self.network.seconds if self.network else 0.0

    def limit_time(self, seconds: float) -> None:
        """Limit the time of the search."""
        self.search.limit_time(seconds)

    def forget(self, games: I64) -> None:
        """Give up the trees of these games."""
        if isinstance(self.search, BatchedSearch):
            self.search.forget(games)
