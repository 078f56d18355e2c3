"""CMA-ES over the weights of the heuristic, as a generator: it yields questions and is sent their scores.

`evolve` is a generator that depends on its plan and the answers alone. So nothing of its state is ever stored: the same
answers bring it to the same state, which is how a run goes on that was killed, and how its questions get answered on
other machines.

Hansen, Ostermeier: Completely derandomized self-adaptation in evolution strategies, 2001; the `cma` package.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

import numpy as np

from ringrift.kernels.random import mix64
from ringrift.kernels.types import F64
from ringrift.tuning.fitness import Games
from ringrift.tuning.settings import EvolutionSettings

LEAST_UNIT: Final = 0.25
"""The least step of a weight, so that one of 0 moves too."""
DIGITS: Final = 6
"""Decimal places of weights in questions: the last bits differ between machines."""


@dataclass(frozen=True, eq=False)
class Question:
    """Candidates whose scores are wanted."""

    start: int
    """The number of the start, from 0; every restart is one more."""
    generation: int
    """The number of the generation in its start, from 0; −1 for the check of the start's result."""
    candidates: F64
    """`[C, F]`. Of a check the start's result; with the evaluator network, the best weights so far follow."""
    panel: F64
    """`[P, F]`, the opponents."""
    games: Games
    sigma: float
    """The step size of the generation; 0 for a check."""
    mean: F64
    """`[F]`, the centre of the distribution."""

    @property
    def is_check(self) -> bool:
        """Whether the result of a start is measured, not a generation."""
        return self.generation < 0


@dataclass(frozen=True, eq=False)
class Answer:
    """The scores of all candidates of a question."""

    scores: F64
    """`[C]`, 0 … 1, the higher the better."""
    variances: F64
    """`[C]`, of each score by chance: that of the mean over the openings."""


@dataclass(frozen=True)
class Plan:
    """The plan of a run: config, start, panel, settings, seed."""

    config: str
    frozen: tuple[float, ...]
    """`[F]`, the frozen weights, which are always in the panel."""
    in_use: tuple[float, ...]
    """`[F]`, the weights that are in use when the run begins: the test of acceptance is against them."""
    start: tuple[float, ...]
    """`[F]`, the weights to start from."""
    seed: int
    settings: EvolutionSettings


@dataclass(frozen=True)
class Scaling:
    """The change between weights and the strategy's coordinates, in which all directions are about equally long."""

    centre: F64
    """`[F]`, the weights at the origin."""
    unit: F64
    """`[F]`, what one step means for each weight."""

    @classmethod
    def around(cls, weights: F64) -> Scaling:
        """Return the scaling in which a step is half of a weight."""
        return cls(weights, np.maximum(abs(weights) / 2, LEAST_UNIT))

    def weights(self, points: F64) -> F64:
        """Return the weights `[…, F]` of points `[…, F]`, rounded."""
        return np.round(self.centre + points * self.unit, DIGITS)


class Strategy:
    """CMA-ES around the origin, with random numbers of its own."""

    def __init__(self, dimensions: int, *, sigma: float, population: int, seed: int) -> None:
        import cma  # late: slow to import

        random = np.random.default_rng(seed)
        options = {
            "popsize": population,
            "seed": np.nan,  # leaves numpy's global generator alone
            "randn": lambda *shape: random.standard_normal(shape),
            "verbose": -9,
            "verb_log": 0,
        }
        self._strategy = cma.CMAEvolutionStrategy(np.zeros(dimensions), sigma, options)

    def ask(self) -> F64:
        """Return the points of the next generation, `[population, D]`."""
        return np.array(self._strategy.ask())

    def tell(self, points: F64, scores: F64) -> None:
        """Take the scores of all points, the higher the better."""
        self._strategy.tell(list(points), (-scores).tolist())

    @property
    def mean(self) -> F64:
        """The centre of the distribution, `[D]`: less noisy than the best point of any generation."""
        return np.array(self._strategy.mean)

    @property
    def sigma(self) -> float:
        """The overall step size."""
        return float(self._strategy.sigma)


def evolve(plan: Plan) -> Generator[Question, Answer, F64]:
    """Ask for the scores of generation after generation; return the best weights `[F]`.

    Every start's centre has to beat the best weights so far on openings of its own, or to agree better with the
    network; it is in the panel from then on, and the next start begins around it with smaller steps and as many games
    as the last one needed.
    """
    settings = plan.settings
    best = np.array(plan.start)
    panel = [np.array(plan.frozen), np.array(plan.in_use), np.array(plan.start)]
    bests: list[F64] = []
    sigma, openings = settings.sigma, settings.openings
    for start in range(settings.restarts + 1):
        opponents = _distinct([*panel, *bests[max(0, len(bests) - settings.past_bests) :]])
        scaling = Scaling.around(best)
        seed = _mixed(plan.seed, start, 0)
        strategy = Strategy(len(best), sigma=sigma, population=settings.population, seed=seed)
        for generation in range(settings.generations):
            points = strategy.ask()
            games = Games(openings, _mixed(plan.seed, start, generation + 2))
            mean = scaling.weights(strategy.mean)
            answer = yield Question(start, generation, scaling.weights(points), opponents, games, strategy.sigma, mean)
            strategy.tell(points, answer.scores)
            if noise_share(answer) > settings.noise:
                openings = min(int(openings * settings.growth) + 1, settings.most_openings)
        centre = scaling.weights(strategy.mean)
        games = Games(settings.check_openings, _mixed(plan.seed, start, 1))
        rivals = np.array([centre, best] if settings.evaluator == "network" else [centre])
        answer = yield Question(start, -1, rivals, best[np.newaxis], games, 0.0, centre)
        if answer.scores[0] > (answer.scores[1] if len(rivals) > 1 else 0.5):
            best = centre
            bests.append(centre)
        sigma *= settings.anneal
    return best


def noise_share(answer: Answer) -> float:
    """Return the share of chance in the variance of a generation's scores, 0 … 1."""
    total = float(answer.scores.var(ddof=1)) if len(answer.scores) > 1 else 0.0
    return min(1.0, float(answer.variances.mean()) / total) if total > 0 else 1.0


def _distinct(weights: list[F64]) -> F64:
    """Return every row once, in order."""
    return np.array(list(dict.fromkeys(tuple(row.tolist()) for row in weights)))


def _mixed(*numbers: int) -> int:
    """Return a seed, different for different numbers."""
    seed = np.uint64(0)
    for number in numbers:
        seed = mix64(seed ^ np.uint64(number))
    return int(seed >> np.uint64(1))


def answered(scores: F64) -> Answer:
    """Return the answer that scores by opening, `[C, openings]`, give."""
    openings = scores.shape[1]
    # One opening does not show the variance: then all of it is taken for chance.
    variances = scores.var(1, ddof=1) / openings if openings > 1 else np.ones(len(scores))
    return Answer(scores.mean(1), variances)
