from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringrift.training.calibration import calibration


def outcomes_of(true_values: np.ndarray, seed: int = 0) -> np.ndarray:
    """Wins and losses, 1 and −1, of which the values are the means."""
    return np.where(np.random.default_rng(seed).random(len(true_values)) < (1 + true_values) / 2, 1.0, -1.0)


def test_bins_by_hand() -> None:
    predictions = [-1.0, -0.6, -0.5, 0.2, 0.4, 1.0]
    outcomes = [-1.0, -1.0, 1.0, -1.0, 1.0, 1.0]
    found = calibration(predictions, outcomes, 4)
    assert [(part.low, part.high, part.samples) for part in found.bins] == [
        (-1.0, -0.5, 2),
        (-0.5, 0.0, 1),  # a prediction on the border belongs to the upper one
        (0.0, 0.5, 2),
        (0.5, 1.0, 1),
    ]
    assert [part.prediction for part in found.bins] == pytest.approx([-0.8, -0.5, 0.3, 1.0])
    assert [part.outcome for part in found.bins] == pytest.approx([-1.0, 1.0, 0.0, 1.0])
    assert found.ece == pytest.approx((2 * 0.2 + 1 * 1.5 + 2 * 0.3 + 1 * 0.0) / 6)
    assert [part.error for part in found.bins] == pytest.approx([0.2, 0.0, 0.9, 0.0])


def test_true_values_have_an_error_that_is_noise() -> None:
    values = np.random.default_rng(1).uniform(-1, 1, 40_000)
    found = calibration(values, outcomes_of(values), 15)
    assert found.noise == pytest.approx(0.8 * np.sqrt(2 / 3) * np.sqrt(15 / 40_000), rel=0.05)
    assert found.ece < 2 * found.noise


def test_the_noise_is_the_mean_error_of_true_values() -> None:
    values = np.random.default_rng(1).uniform(-1, 1, 2000)
    runs = [calibration(values, outcomes_of(values, seed), 15) for seed in range(100, 160)]
    assert np.mean([run.ece for run in runs]) == pytest.approx(np.mean([run.noise for run in runs]), rel=0.05)


@pytest.mark.parametrize(("stretch", "expected"), [(1.0, 0.0), (0.5, 0.25), (0.0, 0.5), (-1.0, 1.0)])
def test_values_that_say_too_much_have_the_error_that_they_were_given(stretch: float, expected: float) -> None:
    """Uniform predictions, mean |v| = 1/2, whose truth is `stretch` × v: ECE = (1 − stretch) / 2."""
    predictions = np.random.default_rng(2).uniform(-1, 1, 200_000)
    found = calibration(predictions, stretch * predictions, 50)
    assert found.ece == pytest.approx(expected, abs=0.005)


def test_one_bin_sees_the_means_alone() -> None:
    found = calibration([-0.5, 0.5], [0.5, -0.5], 1)
    assert found.ece == 0.0


@settings(derandomize=True)
@given(seed=st.integers(0, 999), count=st.integers(1, 200), bins=st.integers(1, 20))
def test_every_sample_is_in_one_bin(seed: int, count: int, bins: int) -> None:
    rng = np.random.default_rng(seed)
    predictions, outcomes = rng.uniform(-1, 1, count), rng.choice([-1.0, 0.0, 1.0], count)
    found = calibration(predictions, outcomes, bins)
    assert found is not None
    assert sum(part.samples for part in found.bins) == found.samples == count
    assert all(part.low <= part.prediction <= part.high for part in found.bins)
    assert 0 <= found.ece <= 2
    mean = sum(part.samples * part.outcome for part in found.bins) / count
    assert mean == pytest.approx(outcomes.mean())


def test_without_samples_there_is_none() -> None:
    assert calibration([], [], 15) is None


def test_rows_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="not two rows of the same length"):
        calibration([0.1], [1.0, 1.0], 15)
