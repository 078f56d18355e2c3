"""Every schedule, as a table of temperatures."""

from __future__ import annotations

import numpy as np
import pytest

from ringrift.selfplay.settings import (
    AdaptiveSettings,
    CurriculumSettings,
    SlopeSettings,
    StepSettings,
    TemperatureSettings,
)
from ringrift.selfplay.temperature import SCHEDULES

N = 40
SETTINGS = TemperatureSettings(
    schedule="alphazero",
    trainings=50,
    moves={},
    alphazero=StepSettings(start=1.0, end=0.0),
    aggressive=SlopeSettings(start=1.5, end=0.5, length=2.0),
    conservative=SlopeSettings(start=0.5, end=0.0, length=0.5),
    adaptive=AdaptiveSettings(low=0.2, high=1.0, many=32),
    curriculum=CurriculumSettings(start=[1.25, 0.75], end=0.0, length=[1.5, 0.5]),
    cosine=SlopeSettings(start=1.0, end=0.2, length=2.0),
)


@pytest.mark.parametrize(
    ("name", "plies", "expected"),
    [
        ("alphazero", [0, 39, 40, 41, 500], [1, 1, 0, 0, 0]),
        ("aggressive", [0, 20, 40, 80, 500], [1.5, 1.25, 1.0, 0.5, 0.5]),
        ("conservative", [0, 10, 20, 21, 500], [0.5, 0.25, 0, 0, 0]),
        ("cosine", [0, 40, 80, 81, 500], [1.0, 0.6, 0.2, 0.2, 0.2]),
    ],
)
def test_temperatures_by_move(name: str, plies: list[int], expected: list[float]) -> None:
    found = SCHEDULES[name](SETTINGS, N, np.array(plies, np.int32), np.full(len(plies), 9), 0.0)
    assert found == pytest.approx(np.array(expected))


def test_adaptive_grows_with_the_logarithm_of_what_may_be_played() -> None:
    legal = np.array([2, 8, 32, 1000])
    found = SCHEDULES["adaptive"](SETTINGS, N, np.zeros(4, np.int32), legal, 0.0)
    assert found == pytest.approx(np.array([0.2, 0.6, 1.0, 1.0]))


@pytest.mark.parametrize(
    ("progress", "expected"),
    [(0.0, [1.25, 1.25, 1.25, 0]), (0.5, [1.0, 1.0, 0, 0]), (1.0, [0.75, 0, 0, 0])],
)
def test_curriculum_cools_with_the_progress_of_training(progress: float, expected: list[float]) -> None:
    plies = np.array([19, 39, 59, 60])
    found = SCHEDULES["curriculum"](SETTINGS, N, plies, np.full(4, 9), progress)
    assert found == pytest.approx(np.array(expected))
