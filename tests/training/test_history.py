from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringrift.training.history import NoHistory, end_torn_line, read_history, thinned
from tests.training.histories import step, validation, write_history


def test_columns_of_steps_and_validations(tmp_path: Path) -> None:
    lines = [step(1, 3.0), step(2, 2.5, gradient_norm=None), validation(2, 2.6), step(3, float("nan"))]
    history = read_history(write_history(tmp_path / "h.jsonl", lines))
    assert history.steps == 3
    assert history.losses == ["total", "policy", "value"]
    assert history.training["step"].tolist() == [1, 2, 3]
    np.testing.assert_array_equal(history.training["losses.total"], [3.0, 2.5, np.nan])
    np.testing.assert_array_equal(history.training["gradient_norm"], [1.5, np.nan, 1.5])
    assert history.holdout["total"].tolist() == [2.6]
    assert history.unread == 0


def test_validations_on_samples_of_training_stand_beside_those_held_out(tmp_path: Path) -> None:
    lines = [validation(2, 2.6), validation(4, 2.4, seen={"total": 2.3, "accuracy": 0.5})]
    history = read_history(write_history(tmp_path / "h.jsonl", lines))
    assert history.seen["step"].tolist() == [2, 4]
    np.testing.assert_array_equal(history.seen["total"], [np.nan, 2.3])


def test_a_loss_that_is_logged_from_some_step_on(tmp_path: Path) -> None:
    lines = [step(1), step(2, losses={"total": 1.0, "ownership": 0.25})]
    history = read_history(write_history(tmp_path / "h.jsonl", lines))
    np.testing.assert_array_equal(history.training["losses.ownership"], [np.nan, 0.25])


@pytest.mark.parametrize("rest", ['{"step": 3, "los', "\n", '{"step": "x", "losses": {}}\n', "[1]\n"])
def test_a_line_that_is_none_is_counted_and_left_out(tmp_path: Path, rest: str) -> None:
    history = read_history(write_history(tmp_path / "h.jsonl", [step(1), step(2)], rest))
    assert history.training["step"].tolist() == [1, 2]
    assert history.unread == 1


def test_after_a_resume_the_later_lines_count(tmp_path: Path) -> None:
    killed = [step(10), step(20), validation(20, 9.0), step(30, 9.0), validation(35, 9.0), step(40, 9.0)]
    resumed = [validation(20, 2.0), step(30, 1.5), step(36, 1.4)]
    history = read_history(write_history(tmp_path / "h.jsonl", killed + resumed))
    assert history.training["step"].tolist() == [10, 20, 30, 36]
    assert history.training["losses.total"].tolist() == [2.0, 2.0, 1.5, 1.4]
    assert history.holdout["step"].tolist() == [20]
    assert history.holdout["total"].tolist() == [2.0]


@pytest.mark.parametrize("before", ["", '{"step": 1, "losses": {"total": 3}}\n', '{"step": 1, "los'])
def test_what_comes_after_a_torn_line_stands_by_itself(tmp_path: Path, before: str) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text(before)
    end_torn_line(path)
    with path.open("a") as file:
        file.write('{"step": 2, "losses": {"total": 2}}\n')
    history = read_history(path)
    assert history.training["step"].tolist()[-1] == 2
    assert history.unread == (1 if before.endswith("los") else 0)


def test_a_run_that_has_logged_nothing(tmp_path: Path) -> None:
    history = read_history(write_history(tmp_path / "h.jsonl", []))
    assert (history.steps, history.losses, history.unread) == (0, [], 0)


def test_a_missing_history_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(NoHistory, match=r"none\.jsonl: cannot be read"):
        read_history(tmp_path / "none.jsonl")


@settings(derandomize=True)
@given(count=st.integers(0, 300), points=st.integers(2, 40), seed=st.integers(0, 99))
def test_a_thinned_curve_keeps_mean_and_extremes(count: int, points: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=count)
    curve = thinned(np.arange(count, dtype=float), values, points)
    assert len(curve.mean) == min(count, points)
    assert np.all(np.diff(curve.steps) > 0)
    assert np.all(curve.low <= curve.mean + 1e-12) and np.all(curve.mean <= curve.high + 1e-12)
    if count:
        assert (curve.low.min(), curve.high.max()) == (values.min(), values.max())
    if count % points == 0 and count:
        assert curve.mean.mean() == pytest.approx(values.mean())


def test_thinning_passes_over_what_is_no_number() -> None:
    values = np.array([1.0, np.nan, np.nan, np.nan, 3.0, np.inf])
    curve = thinned(np.arange(6.0), values, 3)
    np.testing.assert_array_equal(curve.mean, [1.0, np.nan, 3.0])
    np.testing.assert_array_equal(curve.high, [1.0, np.nan, 3.0])
