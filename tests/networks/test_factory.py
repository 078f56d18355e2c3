from __future__ import annotations

import io
import subprocess
import sys

import pytest
import torch
from rich.console import Console
from torch import nn

from ringrift.errors import RingRiftError
from ringrift.game.boards import BOARDS
from ringrift.networks import ARCHITECTURES, NetworkConfig, build_network, flops, parameter_count
from ringrift.networks.__main__ import size_table


@pytest.mark.parametrize("name", ["small", "v2", "v3", "large"])
def test_parameters_are_mostly_those_of_the_tower(name):
    network = build_network(NetworkConfig.of(name, "square8", 2))
    dimensions = ARCHITECTURES[name]
    assert len(network.tower) == dimensions.blocks
    tower = dimensions.blocks * 2 * 9 * dimensions.channels**2
    print(f"{name}: {parameter_count(network):,} parameters")
    assert tower < parameter_count(network) < 1.1 * tower + 30_000
    convolutions = [module for module in network.tower.modules() if isinstance(module, nn.Conv2d)]
    assert sum(parameter_count(module) for module in convolutions) == tower


@pytest.mark.parametrize(("name", "board"), [("tiny", "hex8"), ("small", "square8"), ("small", "square19")])
def test_operations_are_two_per_multiplication(make_inputs, name, board):
    network = build_network(NetworkConfig.of(name, board, 3)).eval()
    counted = []

    def count(module, inputs, output):
        if isinstance(module, nn.Conv2d):
            counted.append(2 * module.weight.numel() * output.shape[2] * output.shape[3])
        elif isinstance(module, nn.Linear):
            counted.append(2 * module.weight.numel() * output.numel() // module.out_features)

    for module in network.modules():
        module.register_forward_hook(count)
    with torch.inference_mode():
        network(*make_inputs(network.config, 1))
    assert flops(network.config) == sum(counted)
    maps = 2 * network.policy.maps.weight.numel() * network.config.geometry.cells
    assert flops(network.config, whole_policy=False) == sum(counted) - maps


def test_the_table_has_every_architecture_on_every_board():
    table = size_table()
    assert table.row_count == len(ARCHITECTURES) * len(BOARDS)
    shown = io.StringIO()
    Console(file=shown, width=120).print(table)
    assert "hexagonal" in shown.getvalue()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("huge", "square8", 2), "unknown architecture 'huge': choose one of small, v2, v3, large"),
        (("small", "round", 2), "unknown board 'round'"),
        (("small", "square8", 5), "unknown number of players 5: choose one of 2, 3, 4"),
        (("small", "square8", 2, "v0"), "unknown feature version 'v0'"),
    ],
)
def test_configs_that_do_not_exist(arguments, message):
    with pytest.raises(RingRiftError, match=message):
        NetworkConfig.of(*arguments)


@pytest.mark.parametrize("code", ["import ringrift", "import ringrift.game", "from ringrift.cli import main; main()"])
def test_torch_is_loaded_only_for_networks(code):
    program = f"""
import atexit, sys
sys.argv = ["ringrift", "--help"]
atexit.register(lambda: print("torch" in sys.modules))
{code}
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "False"
