"""Distillation: what teachers think is learned, not what the data say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ringrift.datasets import open_dataset
from ringrift.datasets.loader import Batch, Loader
from ringrift.networks import (
    InferenceSession,
    NetworkConfig,
    ResidualNetwork,
    WrongModel,
    build_network,
    read_info,
    save_model,
)
from ringrift.training import TrainingInputs, TrainingReport, train
from ringrift.training.distillation import Distillation, Teachers
from tests.contexts import training_context
from tests.training.planted import ALTERNATIVES, CONFIG, write_planted

Make = Callable[..., TrainingInputs]
THOROUGH = {"epochs": 20.0, "checkpoint_steps": 1000, "validate_epochs": 5.0}


def network(seed: int, board: str = "square8", features: str = "v1") -> ResidualNetwork:
    torch.manual_seed(seed)
    return build_network(NetworkConfig.of("tiny", board, 2, features))


def first_batch(folder: Path) -> Batch:
    return next(iter(Loader(open_dataset(folder / CONFIG), batch=16, shuffle=False, augment=False)))


def trained(inputs: TrainingInputs) -> TrainingReport:
    report = train(inputs, training_context())
    assert report is not None
    return report


def test_the_targets_are_the_means_of_the_teachers(make_inputs: Make) -> None:
    batch = first_batch(make_inputs().datasets)
    networks = [network(1), network(2)]
    taught = Teachers([InferenceSession(one) for one in networks], temperature=2.0).taught(batch)
    probs, values = torch.zeros(16, ALTERNATIVES), torch.zeros(16, 2)
    with torch.inference_mode():
        for one in networks:
            output = one.eval()(batch.features, batch.globals)
            logits = output.policy.gather(1, batch.policy_actions.view(16, ALTERNATIVES).long())
            probs += torch.softmax(logits / 2, 1) / 2
            values += output.values / 2
    assert torch.allclose(taught.policy_probs.view(16, ALTERNATIVES), probs, atol=0.02)  # bfloat16 on some processors
    assert torch.allclose(taught.root_values, values, atol=0.05)
    assert taught.has_policy.all()
    assert torch.equal(taught.outcome_values, batch.outcome_values)


@pytest.mark.slow
def test_a_student_learns_what_its_teacher_thinks_and_not_what_the_data_say(make_inputs: Make, tmp_path: Path) -> None:
    """The teacher has found the good action; in the student's data no action is better than another."""
    inputs = make_inputs(**THOROUGH)
    teacher = inputs.models / CONFIG / f"{trained(inputs).facts.model}.pth"
    blind = np.full(512 * ALTERNATIVES, 65535 // ALTERNATIVES, np.uint16)
    write_planted(tmp_path / "blind", policy_probs=blind, has_policy=np.zeros(512, np.uint8))
    write_planted(
        *(tmp_path / "blind", 128),
        seed=2,
        first_game=1_000_000,
        part="holdout",
        policy_probs=blind[: 128 * ALTERNATIVES],
    )
    student = replace(
        inputs, datasets=tmp_path / "blind", distillation=Distillation((teacher,), 2.0), runs=tmp_path / "students"
    )
    report = trained(student)
    agreed = next(loss for loss in report.losses if loss.name == "accuracy")
    assert agreed.holdout is not None
    assert agreed.holdout > 0.9
    assert report.facts.teachers == [teacher.stem]
    lineage = read_info(inputs.models / CONFIG / f"{report.facts.model}.pth").extra["training"]
    assert (lineage["teachers"], lineage["temperature"]) == ([teacher.stem], 2.0)
    harder = replace(student, distillation=Distillation((teacher,), 1.0))
    assert trained(harder).facts.run != report.facts.run


@pytest.mark.parametrize(
    ("board", "features", "fault"),
    [("hex8", "v1", "hex8"), ("square8", "v2", "the teacher reads features v2, and the data set has v1")],
)
def test_a_teacher_of_another_config_or_encoding_is_refused(
    make_inputs: Make, tmp_path: Path, board: str, features: str, fault: str
) -> None:
    inputs = make_inputs()
    save_model(tmp_path / "other.pth", network(0, board, features))
    distillation = Distillation((tmp_path / "other.pth",), 2.0)
    with pytest.raises(WrongModel, match=fault):
        train(replace(inputs, distillation=distillation), training_context())
