"""The regression alarm has the power, and the rate of false alarms, that its settings promise."""

from __future__ import annotations

import pytest

from ringrift.benchmarks.alarm import simulate_alarm
from ringrift.evaluation.settings import evaluation_settings

ALARM = evaluation_settings().alarm
TESTS = 500


@pytest.mark.parametrize("spread", [0.0, 150.0])
def test_equals_hardly_ever_raise_it(spread: float) -> None:
    assert simulate_alarm(ALARM, 0.0, spread=spread, tests=TESTS, seed=1).raised < 2.5 * ALARM.false_alarm
    assert simulate_alarm(ALARM, 20.0, spread=spread, tests=TESTS, seed=1).raised < ALARM.false_alarm


def test_a_weaker_model_is_found_out_the_sooner_the_weaker_it_is() -> None:
    slightly, much, very = (
        simulate_alarm(ALARM, elo, spread=0.0, tests=TESTS, seed=1) for elo in (-ALARM.elo_drop, -100.0, -300.0)
    )
    assert slightly.raised > 1 - ALARM.missed - 0.05
    assert much.raised > 0.98
    assert very.raised == 1
    assert slightly.games > much.games > very.games
    assert very.games_to_alarm is not None
    assert very.games_to_alarm < 60


def test_the_same_seed_gives_the_same_figures() -> None:
    first, again, other = (simulate_alarm(ALARM, -50.0, spread=0.0, tests=50, seed=seed) for seed in (1, 1, 2))
    assert first == again != other
