"""The errors of a training on its own samples, by which the next one draws them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ringrift.datasets import open_dataset
from ringrift.training import TrainingInputs
from ringrift.training import train as run_training
from ringrift.training.own_errors import (
    ACTIONS,
    FILE,
    DamagedErrors,
    OwnErrors,
    own_error_weights,
    read_errors,
    write_errors,
)
from ringrift.training.report import TrainingReport
from tests.contexts import training_context
from tests.training.planted import CONFIG

Make = Callable[..., TrainingInputs]


def trained(inputs: TrainingInputs) -> tuple[TrainingReport, Path]:
    """The report of a training, and its model."""
    report = run_training(inputs, training_context())
    assert report is not None
    return report, inputs.models / CONFIG / f"{report.facts.model}.pth"


def test_errors_are_kept_where_they_are_asked_for(make_inputs: Make) -> None:
    plain, _ = trained(make_inputs())
    inputs = make_inputs(own_errors=0.5)
    report, _ = trained(inputs)
    folder = inputs.runs / CONFIG
    assert read_errors(folder / plain.facts.run) is None
    own = read_errors(folder / report.facts.run)
    assert own is not None
    assert len(own.keys) == open_dataset(inputs.datasets / CONFIG).samples
    assert (np.diff(own.keys) > 0).all()
    assert own.errors.min() >= 0
    assert own.errors.std() > 0


def test_the_next_training_is_another_run_that_draws_by_them(make_inputs: Make) -> None:
    before, parent = trained(make_inputs(own_errors=0.5))
    again = make_inputs(parent=parent, own_errors=0.5, epochs=3.0)
    again = replace(again, is_segment=True)  # which learns from the same games again
    first, _ = trained(again)
    (again.runs / CONFIG / before.facts.run / FILE).unlink()
    without, _ = trained(again)
    assert first.facts.run != without.facts.run


def test_a_share_of_the_weight_goes_by_errors_and_new_samples_count_as_the_mean(make_inputs: Make) -> None:
    dataset = open_dataset(make_inputs().datasets / CONFIG)
    (shard,) = dataset.shards
    games = np.unique(shard["games"])[:1]  # the errors on one game are known
    own = np.flatnonzero(shard["games"][shard["game"]] == games[0])
    keys = np.sort(shard["action_index"][own].astype(np.int64))
    known = OwnErrors(games, keys, np.arange(len(keys), dtype=np.float32))
    (weights,) = own_error_weights(dataset, known, 0.5)
    others = np.setdiff1d(np.arange(dataset.samples), own)
    np.testing.assert_array_equal(weights[others], shard["sample_weights"][others])
    factors = weights[own] / shard["sample_weights"][own]
    expected = 0.5 + 0.5 * shard["action_index"][own].argsort().argsort() / known.errors.mean()
    np.testing.assert_allclose(factors, expected, rtol=1e-5)
    assert (keys < ACTIONS).all()


def test_damaged_errors_are_one_line(tmp_path: Path) -> None:
    own = OwnErrors(np.array([b"x" * 16], "S16"), np.arange(2, dtype=np.int64), np.ones(2, np.float32))
    write_errors(tmp_path, own)
    (tmp_path / FILE).write_bytes((tmp_path / FILE).read_bytes()[:-30])
    with pytest.raises(DamagedErrors, match="is damaged"):
        read_errors(tmp_path)
