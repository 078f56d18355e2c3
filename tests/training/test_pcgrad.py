from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ringrift.training.pcgrad import pcgrad


def plain_pcgrad(gradients: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Algorithm 1 of the paper, word for word."""
    projected = gradients.copy()
    for i in range(len(gradients)):
        for j in rng.permutation(len(gradients)):
            if i == j:
                continue
            product = projected[i] @ gradients[j]
            if product < 0:
                projected[i] -= product / (gradients[j] @ gradients[j]) * gradients[j]
    return projected.sum(0)


@settings(derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), tasks=st.integers(1, 5), parameters=st.integers(1, 40))
def test_it_is_the_algorithm_of_the_paper(seed: int, tasks: int, parameters: int) -> None:
    gradients = np.random.default_rng(seed).normal(size=(tasks, parameters))
    found = pcgrad([torch.from_numpy(row) for row in gradients], np.random.default_rng(seed))
    np.testing.assert_allclose(found.numpy(), plain_pcgrad(gradients, np.random.default_rng(seed)), atol=1e-9)


def test_gradients_that_agree_are_added() -> None:
    one, two = torch.tensor([1.0, 0.5]), torch.tensor([0.0, 2.0])
    assert torch.equal(pcgrad([one, two], np.random.default_rng(0)), one + two)


@settings(derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_of_two_losses_neither_is_raised(seed: int) -> None:
    one, two = torch.from_numpy(np.random.default_rng(seed).normal(size=(2, 12)))
    step = pcgrad([one, two], np.random.default_rng(seed))
    assert step @ one >= -1e-9
    assert step @ two >= -1e-9


def test_opposite_gradients_leave_nothing() -> None:
    one = torch.tensor([3.0, -1.0])
    assert torch.allclose(pcgrad([one, -2 * one], np.random.default_rng(0)), torch.zeros(2), atol=1e-6)


def test_a_loss_without_a_gradient_changes_nothing() -> None:
    one, two = torch.tensor([1.0, 1.0]), torch.tensor([-1.0, 0.5])
    joined = pcgrad([one, two], np.random.default_rng(1))
    assert torch.allclose(pcgrad([one, torch.zeros(2), two], np.random.default_rng(1)), joined)


def test_the_seed_decides_the_order() -> None:
    gradients = list(torch.from_numpy(np.random.default_rng(5).normal(size=(4, 3))))
    joined = [pcgrad(gradients, np.random.default_rng((1, step))) for step in (0, 0, 1, 2, 3, 4)]
    assert torch.equal(joined[0], joined[1])
    assert any(not torch.allclose(joined[0], other) for other in joined[2:])


def test_a_gradient_that_is_no_number_shows() -> None:
    joined = pcgrad([torch.tensor([float("nan"), 1.0]), torch.tensor([1.0, 1.0])], np.random.default_rng(0))
    assert joined.isnan().any()
