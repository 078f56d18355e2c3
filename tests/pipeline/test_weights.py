"""The adaptive curriculum: every factor does what it says, and a simulated month of twelve configs comes to rest."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from math import prod

import pytest

from ringrift.game import configs
from ringrift.pipeline.allocation_settings import AllocationSettings, allocation_settings
from ringrift.pipeline.weights import ConfigFacts, Weight, weigh, within_bounds
from ringrift.settings import BadSettings, check_settings

SETTINGS = allocation_settings().weights
HOURS = 24 * 30
INTERVALS = 4
"""Of an hour."""
TRAINING = 300
LEVEL = ConfigFacts("square8_2p", 100, 10_000, 0.5, 10.0, 1.0)


def settled(facts: list[ConfigFacts]) -> dict[str, Weight]:
    """The weights after so many hours with the same facts."""
    before: dict[str, float] = {}
    for _ in range(60):
        before = {one.config: one.weight for one in weigh(facts, before, SETTINGS)}
    return {one.config: one for one in weigh(facts, before, SETTINGS)}


@pytest.mark.parametrize(
    "better",
    [{"slope": 40.0}, {"cost": 0.2}, {"games": 100}],
    ids=["it gains more Elo", "its games are cheaper", "its pool is small"],
)
def test_a_config_gets_more_games_where(better: dict[str, float]) -> None:
    weights = settled([replace(LEVEL, config="hex8_2p", **better), LEVEL])
    assert weights["hex8_2p"].weight > 1.05 > 0.999 > weights["square8_2p"].weight


def test_a_config_whose_games_wait_gets_fewer() -> None:
    weights = settled([replace(LEVEL, config="hex8_2p", waiting=6.0), LEVEL])
    assert weights["hex8_2p"].weight < 0.9 < weights["square8_2p"].weight


def test_equals_have_weights_of_1_and_so_has_who_is_alone() -> None:
    equals = weigh([LEVEL, replace(LEVEL, config="hex8_2p")], {}, SETTINGS)
    assert [one.weight for one in equals] == pytest.approx([1, 1])
    (alone,) = weigh([replace(LEVEL, slope=500.0, cost=99.0, waiting=9.0)], {}, SETTINGS)
    assert alone.weight == pytest.approx(1)


def test_a_weight_is_the_product_of_its_factors_which_say_why() -> None:
    facts = [LEVEL, replace(LEVEL, config="hex8_2p", slope=None, waiting=3.0, games=10, cost=4.0)]
    for one in weigh(facts, {"hex8_2p": 1.4}, SETTINGS):
        assert one.weight == pytest.approx(prod(factor.value for factor in one.factors))
        assert all(factor.why for factor in one.factors)
    assert "too few rated models" in one.why
    assert "3.0 trainings' worth of games waits" in one.why
    assert "a game costs 1.60 of the mean" in one.why
    assert "10 games, fewer than 3,000" in one.why


def test_bounds_hold_and_the_cost_stays() -> None:
    weights = within_bounds([1e-9, 1.0, 1e9], [5.0, 1.0, 2.0], 1.5)
    assert all(1 / 1.5 <= weight <= 1.5 for weight in weights)
    assert sum(weight * cost for weight, cost in zip(weights, [5.0, 1.0, 2.0], strict=True)) == pytest.approx(8.0)


@dataclass
class Config:
    """A config of the simulated month, with a planted curve of learning and a planted cost."""

    name: str
    budget: int
    cost: float
    ceiling: float
    """Elo that it comes to."""
    pace: float
    """Games for 63 % of the way."""
    games: float = 0.0
    trained: float = 0.0
    elo: tuple[float, ...] = (0.0,)

    def play(self, games: float, hour: int) -> None:
        """Play for an hour; a training follows where there is enough for it, and makes a model of planted strength."""
        self.games += games
        if self.games - self.trained >= TRAINING:
            self.trained = self.games
            luck = 8 * math.sin(12.9898 * hour + self.cost)  # the same every time, and of no pattern that matters
            self.elo = (*self.elo, self.ceiling * (1 - math.exp(-self.games / self.pace)) + luck)

    def facts(self) -> ConfigFacts:
        """What allocation sees."""
        last = self.elo[-10:]
        slope = (last[-1] - last[0]) / (len(last) - 1) if len(last) >= 3 else None
        waiting = (self.games - self.trained) / TRAINING
        return ConfigFacts(self.name, self.budget, round(self.games), waiting, slope, self.cost)


def test_in_a_month_of_twelve_configs_allocation_comes_to_rest_and_nobody_starves() -> None:
    budgets = allocation_settings().budgets
    month = [
        Config(
            name=(name := f"{board}_{players}p"),
            budget=budgets[name],
            cost={"square8": 1.0, "hex8": 1.2, "square19": 20.0, "hexagonal": 35.0}[board] * players,
            ceiling=1000.0 + 50 * number,
            pace=2000.0 * (1 + number % 4),
        )
        for number, (board, players) in enumerate(configs())
    ]
    weights: dict[str, float] = {}
    history: list[dict[str, float]] = []
    total = sum(one.budget * one.cost for one in month)
    for hour in range(HOURS):
        found = weigh([one.facts() for one in month], weights, SETTINGS)
        weights = {one.config: one.weight for one in found}
        history.append(weights)
        assert all(1 / SETTINGS.most - 1e-9 <= weight <= SETTINGS.most + 1e-9 for weight in weights.values())
        spent = sum(weights[one.name] * one.budget * one.cost for one in month)
        assert spent == pytest.approx(total, rel=1e-6), "weights move games, they make none"
        for one in month:
            one.play(INTERVALS * one.budget * weights[one.name], hour)
    for one in month:
        least = HOURS * INTERVALS * one.budget / SETTINGS.most
        assert one.games >= least * 0.999, f"{one.name} starves"
        assert len(one.elo) > 10, f"{one.name} is hardly trained"
        assert one.elo[-1] > 0.9 * one.ceiling
        early, late = ([hour[one.name] for hour in history[slice_]] for slice_ in (slice(0, 240), slice(-240, None)))
        assert max(late) - min(late) < 0.25, f"{one.name} does not come to rest"
        assert max(late) - min(late) <= max(early) - min(early) + 0.1
    for weighed in found:
        assert weighed.weight == pytest.approx(prod(factor.value for factor in weighed.factors))
    cheap, dear = (weights[name] for name in ("square8_2p", "hexagonal_4p"))
    assert cheap > dear, "once all have learned what they can, what is cheap gets more"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"budgets": {"square8_2p": 1}}, "budgets: square8_3p, .* missing"),
        ({"budgets": {"square9_2p": 1}}, "budgets: unknown config 'square9_2p'"),
        ({"weights": {**SETTINGS.model_dump(), "most": 0.5}}, "weights.most: input should be greater than 1"),
        (
            {"backpressure": {**allocation_settings().backpressure.model_dump(), "games": {"slow": 9, "pause": 5}}},
            "slow, 9, is to be less than pause, 5",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_named(change: dict[str, object], said: str) -> None:
    with pytest.raises(BadSettings, match=said):
        check_settings(allocation_settings().model_dump() | change, AllocationSettings, "allocation.yaml")
