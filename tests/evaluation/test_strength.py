from __future__ import annotations

from math import log10

import pytest
import torch

from ringrift.evaluation.strength import strength_against_heuristic
from ringrift.networks import NetworkConfig, build_network
from ringrift.training.distributed import ProcessGroup

ALONE = ProcessGroup(0, 1, torch.device("cpu"))


def test_a_network_that_knows_nothing_is_far_below_the_heuristic() -> None:
    torch.manual_seed(1)
    network = build_network(NetworkConfig.of("small", "square8", 2)).eval()
    strength = strength_against_heuristic("square8_2p", 12)
    found = strength(network, ALONE)
    assert found < -100
    assert found >= 400 * log10(0.5 / 12 / (1 - 0.5 / 12))  # as if it had won half a game
    assert strength(network, ALONE) == pytest.approx(found)  # the same games
