"""The losses and their gradients, compared with plain numpy on small cases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ringrift.datasets import open_dataset
from ringrift.datasets.loader import Batch, Loader
from ringrift.networks import NetworkConfig, build_network
from ringrift.training import hyper_parameters
from ringrift.training.losses import PolicyTarget, choose_policy_target, log_softmax, losses, policy_losses, softened
from ringrift.training.network import TrainingNetwork, TrainingOutputs
from ringrift.training.settings import LossSettings
from tests.training.planted import write_planted

LOGITS = np.array([0.5, -1.0, 2.0, 0.0, 3.0, 3.0])
SHARES = np.array([0.2, 0.8, 0.5, 0.25, 0.25, 0.0])
ROWS = np.array([0, 0, 1, 1, 1, 1])


def loss_settings(**changes: Any) -> LossSettings:
    return hyper_parameters("square8_2p", changes={"losses": changes}).losses


def by_hand(target: np.ndarray) -> tuple[list[float], np.ndarray]:
    """Loss of every row, and the gradient of their sum: softmax − target."""
    found, gradient = [], np.zeros(len(LOGITS))
    for row in (0, 1):
        inside = row == ROWS
        shares = np.exp(LOGITS[inside]) / np.exp(LOGITS[inside]).sum()
        wanted = target[inside]
        entropy = sum(share * np.log(share) for share in wanted if share > 0)
        found.append(float(entropy - (wanted * np.log(shares)).sum()))
        gradient[inside] = shares - wanted
    return found, gradient


def policy(target_kl: bool, smoothing: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
    logits = torch.tensor(LOGITS, requires_grad=True)
    loss, _, _ = policy_losses(logits, torch.tensor(SHARES), torch.tensor(ROWS), 2, kl=target_kl, smoothing=smoothing)
    loss.sum().backward()
    assert logits.grad is not None
    return loss.detach(), logits.grad


def test_the_policy_loss_is_the_divergence_from_the_policy_of_the_search() -> None:
    loss, gradient = policy(target_kl=True)
    expected, slope = by_hand(SHARES)
    np.testing.assert_allclose(loss, expected)
    np.testing.assert_allclose(gradient, slope, atol=1e-12)


def test_where_policies_are_rare_only_the_best_action_counts() -> None:
    loss, gradient = policy(target_kl=False)
    expected, slope = by_hand(np.array([0, 1, 1, 0, 0, 0.0]))
    np.testing.assert_allclose(loss, expected)
    np.testing.assert_allclose(gradient, slope, atol=1e-12)


def test_smoothing_moves_shares_to_all_legal_actions_of_a_row_alike() -> None:
    loss, gradient = policy(target_kl=True, smoothing=0.1)
    sizes = np.array([2, 2, 4, 4, 4, 4])
    expected, slope = by_hand(0.9 * SHARES + 0.1 / sizes)
    np.testing.assert_allclose(loss, expected)
    np.testing.assert_allclose(gradient, slope, atol=1e-12)


def test_a_policy_equal_to_the_target_has_no_loss() -> None:
    shares = torch.tensor([0.25, 0.75])
    loss, entropy, agreed = policy_losses(shares.log() + 7, shares, torch.tensor([0, 0]), 1, kl=True, smoothing=0.0)
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert entropy.item() == pytest.approx(-(0.25 * np.log(0.25) + 0.75 * np.log(0.75)))
    assert agreed.item()


def test_a_row_without_a_policy_has_no_loss_and_no_gradient() -> None:
    logits = torch.tensor([1.0, 2.0, 5.0], requires_grad=True)
    shares, rows = torch.tensor([0.0, 0.0, 1.0]), torch.tensor([0, 0, 1])
    loss, _, agreed = policy_losses(logits, shares, rows, 2, kl=True, smoothing=0.1)
    loss.sum().backward()
    assert logits.grad is not None
    assert loss[0].item() == 0
    assert logits.grad[:2].tolist() == [0, 0]
    assert agreed.tolist() == [False, True]


def test_shares_within_rows_do_not_overflow_and_do_not_touch_other_rows() -> None:
    logits = torch.tensor([1e4, 1e4 - 1, -1e4, -1e4 + 2])
    found = log_softmax(logits, torch.tensor([0, 0, 1, 1]), 2)
    expected = torch.cat([logits[:2].log_softmax(0), logits[2:].log_softmax(0)])
    torch.testing.assert_close(found, expected)


def test_whole_policies_are_learned_where_enough_samples_have_one() -> None:
    settings = loss_settings()
    assert choose_policy_target(settings, samples=1000, policies=300) == PolicyTarget(True, 0.3)
    assert not choose_policy_target(settings, samples=1000, policies=299).kl
    assert not choose_policy_target(settings, samples=100, policies=49).kl
    assert choose_policy_target(loss_settings(policy="kl"), samples=1000, policies=1).kl
    assert not choose_policy_target(loss_settings(policy="best_action"), samples=10, policies=10).kl


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    """Planted samples of which every third has no policy, and half have a root value of a search."""
    kind = (np.arange(24) % 3 > 0).astype(np.uint8)
    roots = np.where(np.arange(24)[:, None] % 2, np.array([16384, -16384]), 0).astype(np.int16)
    path = write_planted(tmp_path, 24, has_policy=kind, root_values=roots)
    return next(iter(Loader(open_dataset(path), batch=24, shuffle=False)))


def outputs_for(batch: Batch) -> TrainingOutputs:
    torch.manual_seed(3)
    network = TrainingNetwork(build_network(NetworkConfig.of("tiny", "square8", 2, "v1")), dropout=0.0).eval()
    return TrainingOutputs.of(network, batch)


def test_all_losses_are_what_numpy_makes_of_them(batch: Batch) -> None:
    settings = loss_settings(
        root_value=0.5, entropy_bonus=0.01, ownership=0.3, moves_left=0.1, opponent_policy=0.15, value=2.0
    )
    outputs = outputs_for(batch)
    found = losses(outputs, batch, settings, PolicyTarget(True, 2 / 3), torch.ones(64))

    def shares(logits: np.ndarray) -> np.ndarray:
        logits = np.exp(logits - logits.max(-1, keepdims=True))
        return logits / logits.sum(-1, keepdims=True)

    logits, targets = outputs.policy_logits.detach().numpy().reshape(24, 4), batch.policy_probs.numpy().reshape(24, 4)
    learned = batch.has_policy.numpy() > 0
    good = (np.log(shares(logits)) * targets).sum(1)[learned]
    assert found.policy.item() == pytest.approx(-good.mean(), rel=1e-5)
    entropy = -(shares(logits) * np.log(shares(logits))).sum(1)[learned]
    assert found.entropy.item() == pytest.approx(entropy.mean(), rel=1e-5)
    assert found.accuracy.item() == pytest.approx((logits.argmax(1) == targets.argmax(1))[learned].mean())

    values, roots = batch.outcome_values.numpy(), batch.root_values.numpy()
    aim = np.where((roots != 0).any(1, keepdims=True), (values + roots) / 2, values)
    assert found.value.item() == pytest.approx(((outputs.values.detach().numpy() - aim) ** 2).mean(), rel=1e-5)

    opponent = np.log(shares(outputs.opponent_policy_logits.detach().numpy()))
    replies = opponent[np.arange(24), batch.opponent_policy_actions.numpy()]
    assert found.opponent_policy.item() == pytest.approx(-replies.sum() / 16, rel=1e-5)
    ownership = np.moveaxis(outputs.ownership_logits.detach().numpy(), 1, 2)
    true = np.take_along_axis(np.log(shares(ownership)), batch.ownership.numpy().reshape(24, 64, 1).astype(int), 2)
    assert found.ownership.item() == pytest.approx(-true.mean(), rel=1e-5)
    away = np.abs(outputs.moves_left.detach().numpy() - np.log(11))
    assert found.moves_left.item() == pytest.approx(np.where(away < 1, away**2 / 2, away - 0.5).mean(), rel=1e-5)

    total = (
        found.policy
        + 2 * found.value
        + 0.15 * found.opponent_policy
        + 0.3 * found.ownership
        + 0.1 * found.moves_left
        - 0.01 * found.entropy
    )
    assert found.total.item() == pytest.approx(total.item())


def test_corners_outside_a_hexagon_have_no_owner_to_learn(batch: Batch) -> None:
    outputs, cells = outputs_for(batch), torch.ones(64)
    cells[:32] = 0
    changed = outputs._replace(
        ownership_logits=outputs.ownership_logits + torch.randn(outputs.ownership_logits.shape) * (1 - cells)
    )
    args = (batch, loss_settings(), PolicyTarget(True, 2 / 3), cells)
    assert losses(changed, *args).ownership.item() == pytest.approx(losses(outputs, *args).ownership.item())


def test_the_parts_of_a_batch_add_up_to_the_whole(tmp_path: Path) -> None:
    """Also where one part has many policies and the other few."""
    kind = np.array([1] * 15 + [0] * 9, np.uint8)
    dataset = open_dataset(write_planted(tmp_path, 24, has_policy=kind))
    found = []
    for size in (24, 8):
        parts = list(Loader(dataset, batch=size, shuffle=False, augment=False, epochs=1))
        each = [
            losses(outputs_for(part), part, loss_settings(), PolicyTarget(True, 15 / 24), torch.ones(64))
            for part in parts
        ]
        found.append(torch.stack([torch.stack(one) for one in each]).mean(0))
    torch.testing.assert_close(found[0], found[1])


def test_a_softened_policy_is_a_power_of_it_and_one_without_probabilities_stays_so() -> None:
    probs, rows = torch.tensor([0.2, 0.8, 0.0, 0.0, 1.0]), torch.tensor([0, 0, 1, 1, 2])
    found = softened(probs, rows, 3, 2.0)
    roots = np.sqrt([0.2, 0.8])
    np.testing.assert_allclose(found, [*(roots / roots.sum()), 0, 0, 1], rtol=1e-6)
    np.testing.assert_allclose(softened(probs, rows, 3, 1.0), probs, rtol=1e-6)
