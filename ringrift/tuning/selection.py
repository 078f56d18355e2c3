"""Selection of the best weights in both uses: successive halving (Jamieson, Talwalkar 2016) by games.

All play the same openings, one action ahead and in a search; the better half plays on, on more of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

import numpy as np

from ringrift.evaluation.sprt import elo_of
from ringrift.game.boards import parse_config
from ringrift.kernels.types import F64
from ringrift.run_context import Cancelled, RunContext
from ringrift.tuning.fitness import Fitness, Games
from ringrift.tuning.settings import SelectionSettings


@dataclass
class Standing:
    """The scores of weights so far."""

    weights: F64
    """`[F]`."""
    one_ply: list[float] = field(default_factory=list)
    """The scores by opening, 0 … 1."""
    search: list[float] = field(default_factory=list)

    def merit(self, settings: SelectionSettings) -> float:
        """Return the worse of both uses, in parts of what is hoped for in it."""
        return min(bounded_elo(self.one_ply) / settings.one_ply_elo, bounded_elo(self.search) / settings.search_elo)


def bounded_elo(scores: list[float]) -> float:
    """Return the mean of scores as a difference in Elo; half a game is neither won nor lost, so that it is finite."""
    if not scores:
        return -inf
    return elo_of((sum(scores) + 0.25) / (len(scores) + 0.5))


def select_weights(
    config: str,
    candidates: F64,
    opponent: F64,
    fitnesses: tuple[Fitness, Fitness],
    settings: SelectionSettings,
    seed: int,
    context: RunContext[object],
) -> list[Standing]:
    """Return the standings of candidates `[C, F]` against an opponent `[F]`, the best first; raises `Cancelled`.

    `fitnesses` are those of play one action ahead and in a search.
    """
    players = parse_config(config)[1]
    alive = [Standing(weights) for weights in candidates]
    out: list[Standing] = []
    one_ply, search = settings.one_ply_games / players, settings.search_games / players
    for number in range(settings.rounds):
        context.progress("rounds", number, settings.rounds, f"{len(alive)} weights")
        for fitness, openings, scores in (
            (fitnesses[0], one_ply, [candidate.one_ply for candidate in alive]),
            (fitnesses[1], search, [candidate.search for candidate in alive]),
        ):
            if context.cancelled:
                raise Cancelled(f"{config}: stopped in round {number + 1} of {settings.rounds} of the selection")
            games = Games(max(1, round(openings)), seed + number)
            rows = fitness(np.array([candidate.weights for candidate in alive]), opponent[np.newaxis], games)
            for mine, row in zip(scores, rows, strict=True):
                mine += row.tolist()
        alive.sort(key=lambda candidate: candidate.merit(settings), reverse=True)
        if number < settings.rounds - 1:
            half = -(-len(alive) // 2)
            out = alive[half:] + out
            alive = alive[:half]
        one_ply, search = one_ply * settings.growth, search * settings.growth
    return alive + out
