"""The agent that is another one in every game, drawn from a weighted list, for variety in self-play.

`mixed:3xheuristic,random,2xgumbel@16?temperature=1`: weights stand before an x and are 1 where there are none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ringrift.agents.agent import Agent
from ringrift.game.types import States
from ringrift.kernels.compiled import compiled
from ringrift.kernels.random import mix64, uniform
from ringrift.kernels.types import F64, I32, I64
from ringrift.search import SearchOutput
from ringrift.search.output import empty_output, ragged_offsets


class MixedAgent(Agent):
    """An agent that is one of its members in every game and seat, by seed, game and seat alone."""

    def __init__(self, members: Sequence[tuple[float, Agent]], players: int, seed: int) -> None:
        self.weights = [weight for weight, _ in members]
        self.agents = [agent for _, agent in members]
        self.players = players
        self.seed = np.uint64(seed)

    def members(self, games: I64, seats: I64) -> I64:
        """Return which member plays, `[games]`; `seats` `[games]` count from 1."""
        return draw_members(self.weights, games, seats, self.seed)

    def act(self, states: States, games: I64) -> SearchOutput:
        """Ask each of the members about the positions of its games."""
        drawn = self.members(games, states["player"].astype(np.int64))
        outputs = []
        for member, agent in enumerate(self.agents):
            rows = np.flatnonzero(drawn == member)
            if len(rows):
                outputs.append((rows, agent.act(states[rows], games[rows])))
        return merge_outputs(outputs, len(states), self.players)

    @property
    def network_seconds(self) -> float:
        """The time of all members."""
        return sum(agent.network_seconds for agent in self.agents)

    def limit_time(self, seconds: float) -> None:
        """Limit the time of all members."""
        for agent in self.agents:
            agent.limit_time(seconds)

    def learn(self, game: int, actions: I32) -> None:
        """Let the members that have played learn."""
        seats = np.arange(1, self.players + 1)
        for member in np.unique(self.members(np.full(self.players, game, np.int64), seats)).tolist():
            self.agents[member].learn(game, actions)

    def forget(self, games: I64) -> None:
        """Make all members forget the games."""
        for agent in self.agents:
            agent.forget(games)


def draw_members(weights: Sequence[float], games: I64, seats: I64, seed: np.uint64) -> I64:
    """Draw which of the weighted members plays, `[games]`, by seed, game and seat."""
    drawn = np.empty(len(games))
    draw_uniform(games, seats, seed, drawn)
    shares = np.cumsum(np.array(weights) / np.sum(weights))
    return np.minimum(np.searchsorted(shares, drawn, side="right"), len(weights) - 1)


@compiled
def draw_uniform(games: I64, seats: I64, seed: np.uint64, drawn: F64) -> None:
    """Draw a number between 0 and 1 for every game and seat."""
    for row in range(len(games)):
        drawn[row] = uniform(mix64(seed ^ mix64(np.uint64(games[row]))), seats[row])


def merge_outputs(outputs: Sequence[tuple[I64, SearchOutput]], count: int, players: int) -> SearchOutput:
    """Merge outputs into one of `count` positions; with each go the rows that it is about."""
    counts = np.zeros(count, np.int32)
    for rows, output in outputs:
        counts[rows] = np.diff(output.policy_offsets)
    offsets = ragged_offsets(counts)
    whole = empty_output(offsets, np.empty(offsets[-1], np.int32), players)
    for rows, output in outputs:
        whole.chosen_actions[rows] = output.chosen_actions
        whole.root_values[rows] = output.root_values
        places = np.repeat(offsets[rows] - output.policy_offsets[:-1], counts[rows]) + np.arange(
            len(output.policy_actions)
        )
        whole.policy_actions[places] = output.policy_actions
        whole.policy_probs[places] = output.policy_probs
        whole.visits[places] = output.visits
        whole.has_policy[rows] = output.has_policy
        whole.surprise[rows] = output.surprise
    return whole
