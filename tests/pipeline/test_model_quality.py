"""What is measured of models is tracked over them, and warns when it becomes worse."""

from __future__ import annotations

import pytest

from ringrift.pipeline.model_quality import ModelMeasures, _measures, warnings
from ringrift.training.thresholds import training_thresholds

REPORT = training_thresholds().report
GOOD = ModelMeasures("good", loss=2.0, gap=0.02, calibration=0.05, quality=0.8)


def newest(**changes: float | None) -> list[ModelMeasures]:
    return [ModelMeasures(**{**vars(GOOD), "model": "newest", **changes}), GOOD, GOOD]


def test_a_model_like_those_before_it_is_no_warning() -> None:
    assert warnings(newest(), REPORT) == []
    assert warnings([], REPORT) == []
    assert warnings(newest(loss=None, gap=None, calibration=None, quality=None), REPORT) == []
    assert warnings(newest(loss=1.0, calibration=0.0, quality=1.0), REPORT) == [], "better is no warning"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"gap": 0.3}, "hold-out and training loss of newest are +0.30 apart, more than 0.1"),
        ({"loss": 2.2}, "the hold-out loss of newest is 2.20, that of the 2 before 2.00"),
        ({"calibration": 0.1}, "the error of calibration of newest is 0.10, that of the 2 before 0.05"),
        ({"quality": 0.6}, "the quality of the data of newest is 0.60, that of the 2 before 0.80"),
    ],
)
def test_what_has_become_worse_is_named(change: dict[str, float], said: str) -> None:
    assert warnings(newest(**change), REPORT) == [said]


def test_side_files_of_others_are_read_as_far_as_they_go() -> None:
    known = {
        "holdout": {"total": 1.5},
        "gap": 0.1,
        "calibration": {"ece": 0.04},
        "dataset": {"provenance": {"quality": {"score": 0.7}}},
    }
    assert _measures("a", known) == ModelMeasures("a", 1.5, 0.1, 0.04, 0.7)
    odd = {"holdout": 3, "gap": "wide", "calibration": None, "dataset": {"provenance": ["none"]}}
    assert _measures("b", odd) == ModelMeasures("b", None, None, None, None)
