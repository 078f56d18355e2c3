"""Any model can be measured on the games that are held out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
import torch

from ringrift.datasets import open_dataset
from ringrift.networks import NetworkConfig, ResidualNetwork, build_network, load_model
from ringrift.run_context import Cancelled, RunContext
from ringrift.training import TrainingInputs, train
from ringrift.training.holdout import PLAYING, HoldoutReport, measure_holdout
from ringrift.training.thresholds import training_thresholds
from tests.contexts import training_context
from tests.training.planted import CONFIG, FEATURES


def measured(inputs: TrainingInputs, network: ResidualNetwork, samples: int = 64) -> HoldoutReport:
    holdout = open_dataset(inputs.datasets / f"{CONFIG}.holdout.json")
    training = open_dataset(inputs.datasets / f"{CONFIG}.json")
    context = RunContext(training_thresholds().report)
    return measure_holdout("model", network, holdout, training, inputs.hyper.losses, context, samples=samples)


def test_what_has_learned_is_better_than_what_has_not(make_inputs: Callable[..., TrainingInputs]) -> None:
    inputs = make_inputs(epochs=4.0)
    torch.manual_seed(1)
    ignorant = measured(inputs, build_network(NetworkConfig.of("tiny", "square8", 2, FEATURES)))
    report = train(inputs, training_context())
    assert report is not None
    network = load_model(inputs.models / CONFIG / f"{report.facts.model}.pth")
    learned = measured(inputs, network)
    assert set(learned.holdout) == set(PLAYING)
    assert learned.samples == 64
    assert learned.holdout["policy"] < ignorant.holdout["policy"]
    assert learned.holdout["accuracy"] > ignorant.holdout["accuracy"]
    assert learned.calibration is not None
    assert learned.gap is not None
    assert learned == measured(inputs, network), "the same samples every time"


def test_the_side_file_of_a_model_tells_gap_and_calibration(make_inputs: Callable[..., TrainingInputs]) -> None:
    from ringrift.networks import read_info

    inputs = make_inputs()
    report = train(inputs, training_context())
    assert report is not None
    training = read_info(inputs.models / CONFIG / f"{report.facts.model}.pth").extra["training"]
    assert isinstance(training["gap"], float)
    assert 0 <= training["calibration"]["ece"] <= 2


def test_a_gap_that_is_too_wide_warns() -> None:
    figures = {"policy": 1.0, "value": 0.5, "accuracy": 0.5}
    near, far = (
        HoldoutReport("model", CONFIG, 64, figures, figures | {"policy": seen}, None, 0.1) for seen in (0.95, 0.7)
    )
    assert near.warnings() == []
    assert far.warnings() == ["the policy loss on games held out is +0.30 beside the others, more than 0.10"]


def test_it_can_be_cancelled(make_inputs: Callable[..., TrainingInputs], tmp_path: Path) -> None:
    inputs = make_inputs()
    cancelled = Event()
    cancelled.set()
    holdout = open_dataset(inputs.datasets / f"{CONFIG}.holdout.json")
    network = build_network(NetworkConfig.of("tiny", "square8", 2, FEATURES))
    context = RunContext(training_thresholds().report, cancellation=cancelled)
    with pytest.raises(Cancelled):
        measure_holdout("model", network, holdout, None, inputs.hyper.losses, context, samples=64)
