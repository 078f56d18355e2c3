from __future__ import annotations

import pytest
import torch

from ringrift.networks import NetworkConfig, build_network
from ringrift.training import hyper_parameters
from ringrift.training.network import TrainingNetwork
from ringrift.training.optimiser import ExponentialMovingAverage, learning_rate, parameter_groups


def learning_network() -> TrainingNetwork:
    return TrainingNetwork(build_network(NetworkConfig.of("tiny", "square8", 2, "v1")), dropout=0.0)


def test_the_rate_rises_in_a_line_then_falls_along_a_cosine_to_the_least() -> None:
    least = 0.001
    changes = {"learning_rate": 0.01, "least_learning_rate": least, "batch": 256}
    hyper = hyper_parameters("square8_2p", changes=changes)
    rates = [learning_rate(step, hyper, 256, 110, 10) for step in range(111)]
    assert rates[:10] == pytest.approx([0.001 * step for step in range(1, 11)])
    assert rates[60] == pytest.approx((0.01 + least) / 2)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[110] == pytest.approx(least)
    low = hyper_parameters("square8_2p", changes=changes | {"learning_rate": least / 10})
    assert learning_rate(50, low, 256, 110, 10) == pytest.approx(least / 10), "it never rises to the least"


def test_a_batch_that_is_larger_than_the_rate_was_chosen_for_takes_larger_steps() -> None:
    hyper = hyper_parameters("square8_2p", changes={"learning_rate": 0.001, "batch": 256})
    assert learning_rate(10, hyper, 1024, 110, 10) == pytest.approx(0.002)


def test_a_large_batch_raises_the_rate_no_further_than_to_the_most() -> None:
    hyper = hyper_parameters("square8_2p")
    peaks = [learning_rate(10, hyper, batch, 110, 10) for batch in (2048, 4096, 8 * 2048, 64 * 4096)]
    assert peaks == pytest.approx([0.001 * 8**0.5, 0.004, 0.004, 0.004])
    given = hyper_parameters("square8_2p", changes={"learning_rate": 0.01})
    assert learning_rate(10, given, 8 * 2048, 110, 10) == 0.01, "a rate that is asked for stays as it is"


def test_norms_and_biases_do_not_decay() -> None:
    network = learning_network()
    decaying, others = parameter_groups(network, 0.1)
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    decays = {names[id(one)] for one in decaying["params"]}  # type: ignore[attr-defined]
    rest = {names[id(one)] for one in others["params"]}  # type: ignore[attr-defined]
    assert (decaying["weight_decay"], others["weight_decay"]) == (0.1, 0.0)
    assert decays.isdisjoint(rest)
    assert decays | rest == set(names.values())
    assert all(name.endswith("weight") for name in decays)
    assert all("norm" in name or name.endswith("bias") for name in rest)


def test_the_average_follows_the_weights_and_forgets_the_start() -> None:
    network = learning_network()
    average = ExponentialMovingAverage(network, 0.9)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(3.0)
    for step in range(1, 200):
        average.update(step)
    assert all(torch.allclose(parameter, torch.tensor(3.0)) for parameter in average.module.parameters())
    assert not any(parameter.requires_grad for parameter in average.module.parameters())


def test_one_update_moves_the_average_by_its_share() -> None:
    network = learning_network()
    average = ExponentialMovingAverage(network, 0.9)
    before = average.module.moves_left.bias.clone()
    with torch.no_grad():
        network.moves_left.bias.add_(1)
    average.update(10_000)
    torch.testing.assert_close(average.module.moves_left.bias, before + 0.1)
