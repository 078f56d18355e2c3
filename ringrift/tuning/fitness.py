"""The fitness of weights: what they score in games, or how well they agree with a network.

All candidates of a generation get the same openings and the same random numbers, and every opening is played from every
seat, so that what is left between them is how they play.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from ringrift.agents import make_agent
from ringrift.encoding import outcomes
from ringrift.evaluation.matches import PLIES_OF_A_TURN
from ringrift.game import new_states
from ringrift.game.boards import parse_config
from ringrift.game.state import GAME_OVER, thread_workspace
from ringrift.game.types import States
from ringrift.game_database import GamesDatabase
from ringrift.kernels.types import F32, F64, I64
from ringrift.limits import move_limit
from ringrift.search import MaxnSearch, MinimaxSearch, SearchLimits
from ringrift.search.search_stack import MAX_DEPTH
from ringrift.selfplay import Openings
from ringrift.tuning.one_ply_games import play_actions, play_one_ply
from ringrift.tuning.positions import read_positions, relative_features
from ringrift.tuning.settings import LogisticSettings

BATCH: Final = 256
"""Positions that a network gets at once."""
SEARCHES: Final = {2: MinimaxSearch, 3: MaxnSearch, 4: MaxnSearch}
"""The search that is meant by "search", by the number of players."""


@dataclass(frozen=True)
class Games:
    """Games to play: every opening from every seat, against a panel that takes turns by opening."""

    openings: int
    seed: int
    """Decides the openings and all random numbers; one for all candidates of a generation."""


class Fitness(Protocol):
    """The scores of candidates, the higher the better."""

    def __call__(self, candidates: F64, panel: F64, games: Games) -> F64:
        """Return the scores `[C, openings]`, 0 … 1, of candidates `[C, F]` against a panel `[P, F]`."""


Play = Callable[[States, I64, I64, F64, int], F32]
"""A function that plays games out: states, numbers, seats, weights and seed → outcome values `[N, players]`."""


class GameFitness:
    """The score of a candidate in games: alone, in every seat, against copies of a member of the panel.

    The score of a game is the share of the others that it came in ahead of, as in every evaluation.
    """

    def __init__(self, config: str, play: Play) -> None:
        self.config = config
        self.board, self.players = parse_config(config)
        self.play = play

    def __call__(self, candidates: F64, panel: F64, games: Games) -> F64:
        """Play all games of all candidates by one call."""
        players = self.players
        openings = draw_openings(self.config, games)
        # Axes: candidate, opening, the candidate's seat.
        shape = (len(candidates), games.openings, players)
        candidate, opening, seat = (axis.ravel() for axis in np.indices(shape))
        seats = np.repeat((len(candidates) + opening % len(panel))[:, np.newaxis], players, axis=1)
        seats[np.arange(len(seats)), seat] = candidate
        weights = np.concatenate([candidates, panel])
        values = self.play(openings[opening], opening * players + seat, seats, weights, games.seed)
        own = values[np.arange(len(values)), seat].reshape(shape)
        scores: F64 = (own.mean(-1, dtype=np.float64) + 1) / 2
        return scores


class NetworkFitness:
    """The agreement of the values of positions with those of a network: 1 less half the mean distance."""

    def __init__(self, features: F64, values: F64, games: I64) -> None:
        """Take features `[N, players, F]` and values `[N, players]` of positions, and which game each is of, `[N]`."""
        self.features = features
        self.values = values
        self.games = games

    def __call__(self, candidates: F64, panel: F64, games: Games) -> F64:
        """Compare on the positions of `games.openings` games, drawn by the seed; the panel does not count."""
        numbers = np.unique(self.games)
        count = min(games.openings, len(numbers))
        drawn = np.random.default_rng(games.seed).choice(numbers, count, replace=False)
        scores = np.empty((len(candidates), count))
        for column, number in enumerate(drawn):
            mine = self.games == number
            values = np.tanh(self.features[mine] @ candidates.T / 2)  # [n, players, C]
            scores[:, column] = 1 - abs(values - self.values[mine][..., np.newaxis]).mean((0, 1)) / 2
        return scores


def network_fitness(database: GamesDatabase, config: str, network: str, settings: LogisticSettings) -> NetworkFitness:
    """Return the agreement with a model on positions of stored games; `TooFewGames` if there are not enough."""
    board, players = parse_config(config)
    positions = read_positions(
        database,
        config,
        target="results",
        most_games=settings.games,
        least_games=settings.least_games,
        per_game=settings.positions,
    )
    agent = make_agent(f"policy:{network}", board, players)
    numbers = np.arange(len(positions.states))
    batches = (slice(first, first + BATCH) for first in range(0, len(numbers), BATCH))
    values = [agent.act(positions.states[batch], numbers[batch]).root_values for batch in batches]
    features = relative_features(config, positions.states)
    return NetworkFitness(features, np.concatenate(values).astype(np.float64), positions.games)


class MeanFitness:
    """The mean of several fitnesses, on the same openings."""

    def __init__(self, *fitnesses: Fitness) -> None:
        self.fitnesses = fitnesses

    def __call__(self, candidates: F64, panel: F64, games: Games) -> F64:
        """Return the mean scores by opening."""
        scores: F64 = np.mean([fitness(candidates, panel, games) for fitness in self.fitnesses], axis=0)
        return scores


def draw_openings(config: str, games: Games) -> States:
    """Return the openings `[openings]`, of about a turn for every player, as in every evaluation."""
    board, players = parse_config(config)
    source = Openings(board, players, max_moves=move_limit(config), seed=games.seed)
    states = new_states(board, players, games.openings)
    for number in range(games.openings):
        states[number] = source.draw(number, PLIES_OF_A_TURN * players).state[0]
    return states


def one_ply_fitness(config: str) -> GameFitness:
    """Return the fitness by the play of `heuristic`, one action ahead."""
    board, players = parse_config(config)
    limit = move_limit(config)

    def play(states: States, numbers: I64, seats: I64, weights: F64, seed: int) -> F32:
        return play_one_ply(board, players, states, numbers, seats, weights, max_moves=limit, seed=seed)

    return GameFitness(config, play)


def search_fitness(config: str, nodes: int) -> GameFitness:
    """Return the fitness by `minimax`, or `maxn` for three and four players, with `nodes` nodes a decision."""
    board, players = parse_config(config)
    limit = move_limit(config)

    def play(states: States, numbers: I64, seats: I64, weights: F64, seed: int) -> F32:
        limits = SearchLimits(depth=MAX_DEPTH, nodes=nodes)
        searches = [SEARCHES[players](board, players, row, limits) for row in weights]
        running = np.arange(len(states))
        while len(running):
            acting = seats[running, states["player"][running].astype(np.int64) - 1]
            for row in np.unique(acting):
                mine = running[acting == row]
                actions = searches[row].run(states[mine], numbers[mine]).chosen_actions
                play_actions(states, mine, actions, limit, board.tables, thread_workspace(board))
            running = running[(states["phase"][running] != GAME_OVER) & (states["ply"][running] < limit)]
        return outcomes(states, players)

    return GameFitness(config, play)


GAME_EVALUATORS: Final = ("one_ply", "search", "both")
"""The evaluators that need nothing but games, so that any host can answer for them."""


def game_fitness(config: str, evaluator: str, nodes: int) -> Fitness:
    """Return the fitness of one of `GAME_EVALUATORS`."""
    if evaluator == "one_ply":
        return one_ply_fitness(config)
    if evaluator == "search":
        return search_fitness(config, nodes)
    return MeanFitness(one_ply_fitness(config), search_fitness(config, nodes))
