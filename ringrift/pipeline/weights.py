"""The adaptive curriculum: the weights of configs, from what is known of each, with a reason for every factor.

A weight is the product of factors for the gain of Elo, the games that wait, the cost of a game and the size of the
pool; it moves a share of the way at a time, stays within its bounds, and all weights together cost what weights of 1
would.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import prod
from typing import Any, Final

from ringrift.pipeline.allocation_settings import WeightSettings

ROUNDS: Final = 100
CLOSE: Final = 1e-9


@dataclass(frozen=True)
class ConfigFacts:
    """The facts from which the weight of a config follows."""

    config: str
    budget: int
    """Games of an interval with a weight of 1."""
    games: int
    """The games of its pool."""
    waiting: float
    """Games that have not been trained on, in trainings' worth."""
    slope: float | None
    """Elo that a model gains on the one before; None where too few have been rated."""
    cost: float
    """The cost of a game, in any unit that all configs share."""


@dataclass(frozen=True)
class Factor:
    """One of the factors of a weight."""

    name: str
    value: float
    why: str

    def __str__(self) -> str:
        return f"{self.name} × {self.value:.2f} ({self.why})"


@dataclass(frozen=True)
class Weight:
    """The weight of a config, with its factors."""

    config: str
    budget: int
    weight: float
    factors: tuple[Factor, ...]

    @property
    def games(self) -> int:
        """The games of an interval."""
        return max(1, round(self.budget * self.weight))

    @property
    def why(self) -> str:
        """The factors in a line."""
        return ", ".join(map(str, self.factors))

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for machines."""
        return asdict(self) | {"games": self.games, "why": self.why}


def weigh(facts: Sequence[ConfigFacts], before: Mapping[str, float], settings: WeightSettings) -> list[Weight]:
    """Return the weights of configs; `before` has those that hold now, 1 for a config that has none yet.

    The factors of a weight multiply to it, exactly.
    """
    wanted = [_factors(config, facts, settings) for config in facts]
    raw = [prod(factor.value for factor in factors) for factors in wanted]
    moved = [
        before.get(config.config, 1.0) ** (1 - settings.step) * value**settings.step
        for config, value in zip(facts, raw, strict=True)
    ]
    weights = within_bounds(moved, [config.budget * config.cost for config in facts], settings.most)
    result = []
    for config, factors, value, weight in zip(facts, wanted, raw, weights, strict=True):
        rest = Factor("step, bounds and equal cost", weight / value, _how_it_ends(weight, settings.most))
        result.append(Weight(config.config, config.budget, weight, (*factors, rest)))
    return result


def within_bounds(weights: Sequence[float], costs: Sequence[float], most: float) -> list[float]:
    """Return the weights times one number, bounded, such that they cost as much as weights of 1: by bisection.

    It exists: with the number 0 all are at their lowest, which costs less, and with a large one at their most.
    """
    total = sum(costs)

    def bounded(scale: float) -> list[float]:
        return [min(max(scale * weight, 1 / most), most) for weight in weights]

    low, high = 0.0, most / min(weights, default=1.0)
    for _ in range(ROUNDS):
        middle = (low + high) / 2
        spent = sum(weight * cost for weight, cost in zip(bounded(middle), costs, strict=True))
        low, high = (middle, high) if spent < total else (low, middle)
        if high - low < CLOSE * high:
            break
    return bounded((low + high) / 2)


def _factors(config: ConfigFacts, facts: Sequence[ConfigFacts], settings: WeightSettings) -> tuple[Factor, ...]:
    return (
        _slope(config, facts, settings),
        _waiting(config, settings),
        _cost(config, facts, settings),
        _balance(config, settings),
    )


def _slope(config: ConfigFacts, facts: Sequence[ConfigFacts], settings: WeightSettings) -> Factor:
    slopes = [other.slope for other in facts if other.slope is not None]
    if config.slope is None:
        return Factor("Elo", 1.0, "too few rated models")
    mean = sum(slopes) / len(slopes)
    ahead = min(max((config.slope - mean) / settings.slope_elo, -1.0), 1.0)
    return Factor("Elo", settings.most**ahead, f"{config.slope:+.0f} a model, the mean is {mean:+.0f}")


def _waiting(config: ConfigFacts, settings: WeightSettings) -> Factor:
    if config.waiting <= 1:
        return Factor("waiting", 1.0, "less than a training's worth of games waits")
    return Factor("waiting", config.waiting**-settings.waiting, f"{config.waiting:.1f} trainings' worth of games waits")


def _cost(config: ConfigFacts, facts: Sequence[ConfigFacts], settings: WeightSettings) -> Factor:
    mean = sum(other.cost for other in facts) / len(facts)
    share = config.cost / mean
    return Factor("cost", share**-settings.cost, f"a game costs {share:.2f} of the mean")


def _balance(config: ConfigFacts, settings: WeightSettings) -> Factor:
    lacking = max(0.0, 1 - config.games / settings.balance_games)
    why = f"{config.games:,} games" + (f", fewer than {settings.balance_games:,}" if lacking else "")
    return Factor("balance", settings.most**lacking, why)


def _how_it_ends(weight: float, most: float) -> str:
    if weight >= most * (1 - CLOSE):
        return f"the most is {most:g}"
    if weight <= (1 + CLOSE) / most:
        return f"the least is {1 / most:.2f}"
    return "all weights cost what weights of 1 would"
