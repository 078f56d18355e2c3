from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch

from ringrift.datasets import open_dataset
from ringrift.datasets.loader import Batch, Loader
from ringrift.networks import NetworkConfig, build_network
from ringrift.training import hyper_parameters
from ringrift.training.distributed import ProcessGroup
from ringrift.training.losses import Losses, PolicyTarget
from ringrift.training.step import Learner, TrainingSchedule
from tests.training.conftest import FAST
from tests.training.planted import write_planted

ALONE = ProcessGroup(0, 1, torch.device("cpu"))
STEADY = {"dropout": 0.0, "weight_decay": 0.0, "losses": {"moves_left": 0.0}}


@pytest.fixture
def batches(tmp_path: Path) -> list[Batch]:
    dataset = open_dataset(write_planted(tmp_path, 64))
    return list(islice(Loader(dataset, batch=32), 2))


@pytest.fixture
def make_learner() -> Callable[..., Learner]:
    def make(steps: int = 300, **changes: Any) -> Learner:
        hyper = hyper_parameters("square8_2p", changes=FAST | STEADY | changes)
        torch.manual_seed(5)
        network = build_network(NetworkConfig.of("tiny", "square8", 2, "v1"))
        return Learner(network, hyper, TrainingSchedule(32, steps, 5), PolicyTarget(True, 1.0), ALONE)

    return make


def test_a_network_learns_one_batch_by_heart(make_learner: Callable[..., Learner], batches: list[Batch]) -> None:
    learner = make_learner(steps=150)
    losses = [dict(zip(Losses._fields, learner.step(batches[:1]).losses.tolist(), strict=True)) for _ in range(150)]
    assert losses[0]["policy"] > 1
    assert losses[-1]["policy"] < 0.01
    assert losses[-1]["value"] < 0.01
    assert losses[-1]["ownership"] < 0.05
    assert losses[-1]["accuracy"] == 1


def test_the_average_has_learned_too(make_learner: Callable[..., Learner], batches: list[Batch]) -> None:
    learner = make_learner(steps=150)
    for _ in range(150):
        learner.step(batches[:1])
    found, values = learner.evaluate(learner.average.module, batches[0], learner.target)
    assert found.policy.item() < 0.05
    assert values.shape == (32, 2)
    torch.testing.assert_close(values, batches[0].outcome_values, atol=0.3, rtol=0)


def test_the_temperature_of_policy_targets_is_annealed(make_learner: Callable[..., Learner]) -> None:
    learner = make_learner(steps=100, losses={"policy_temperature": [3.0, 1.0]})
    found = []
    for learner.steps in (0, 50, 100):
        found.append(learner.present_target.softness)
    assert found == pytest.approx([3.0, 2.0, 1.0])


def test_long_gradients_are_shortened(make_learner: Callable[..., Learner], batches: list[Batch]) -> None:
    learner = make_learner(clip=1e-3)
    assert learner.step(batches[:1]).gradient_norm > 1e-3
    length = torch.stack([one.grad.norm() for one in learner.module.parameters() if one.grad is not None]).norm()
    assert length.item() == pytest.approx(1e-3, rel=1e-3)


def test_the_gradient_of_two_parts_is_the_mean_of_theirs(
    make_learner: Callable[..., Learner], batches: list[Batch]
) -> None:
    def gradients(*parts: Batch) -> list[torch.Tensor]:
        learner = make_learner(clip=1e9)
        learner.step(parts)
        return [one.grad.clone() for one in learner.module.parameters() if one.grad is not None]

    both = gradients(*batches)
    for found, first, second in zip(both, gradients(batches[0]), gradients(batches[1]), strict=True):
        torch.testing.assert_close(found, (first + second) / 2, atol=1e-5, rtol=1e-4)


def test_gradient_surgery_changes_the_trunk_alone_and_only_where_losses_disagree(
    make_learner: Callable[..., Learner], batches: list[Batch]
) -> None:
    """With one loss that has a gradient there is nothing to disagree with."""

    def gradients(pcgrad: bool, **weights: float) -> dict[str, torch.Tensor]:
        learner = make_learner(clip=1e9, losses={"pcgrad": pcgrad, "moves_left": 0.0, **weights})
        learner.step(batches)
        return {name: one.grad for name, one in learner.module.named_parameters() if one.grad is not None}

    alone = {"value": 0.0, "ownership": 0.0}
    plain, mended = gradients(False, **alone), gradients(True, **alone)
    for name, found in plain.items():
        torch.testing.assert_close(mended[name], found, atol=1e-6, rtol=1e-4)
    plain, mended = gradients(False), gradients(True)
    for name in plain:
        if "stem" not in name and "tower" not in name:
            torch.testing.assert_close(mended[name], plain[name], atol=1e-6, rtol=1e-4)


def test_bfloat16_learns_as_float32_does(make_learner: Callable[..., Learner], batches: list[Batch]) -> None:
    exact, coarse = (make_learner(steps=40, precision=precision) for precision in ("float32", "bfloat16"))
    for _ in range(40):
        good, rough = exact.step(batches).losses[0].item(), coarse.step(batches).losses[0].item()
    assert rough == pytest.approx(good, rel=0.15)
