from __future__ import annotations

import torch

from ringrift.networks import ARCHITECTURES, NetworkConfig, build_network, parameter_count
from ringrift.training.memory_estimate import PROCESS_BYTES, checkpoint_bytes, process_bytes, saved_bytes, step_bytes

SMALL = NetworkConfig.of("small", "square8", 2)


def test_a_checkpoint_holds_the_state_of_the_optimiser() -> None:
    network = build_network(SMALL)
    optimiser = torch.optim.AdamW(network.parameters())
    sum(parameter.sum() for parameter in network.parameters()).backward()
    optimiser.step()
    numbers = 2 * parameter_count(network)  # weights and their moving average
    numbers += sum(state[name].numel() for state in optimiser.state.values() for name in ("exp_avg", "exp_avg_sq"))
    assert checkpoint_bytes(SMALL) == 4 * numbers


def test_saved_tensors_are_those_of_a_real_step() -> None:
    """A real forward pass, its saved tensors counted by their addresses."""
    network = build_network(SMALL)
    parameters = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage
        return tensor

    features = torch.zeros(8, SMALL.input_planes, 8, 8, dtype=torch.uint8)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = network(features, torch.zeros(8, SMALL.input_globals))
        torch.log_softmax(output.policy, 1).sum() + output.values.square().sum()
    real = sum(storage.nbytes() for address, storage in kept.items() if address not in parameters)
    assert saved_bytes(SMALL, 8) == real


def test_memory_grows_with_batch_board_and_network() -> None:
    def change(**fields: str) -> NetworkConfig:
        return NetworkConfig.of(**({"architecture": "small", "board": "square8", "players": 2} | fields))

    assert step_bytes(SMALL, 512) > 1.9 * step_bytes(SMALL, 256)
    assert step_bytes(change(board="square19"), 64) > 5 * step_bytes(SMALL, 64)
    sizes = [step_bytes(change(architecture=name), 16) for name in ("small", "v2", "v3", "large")]
    assert sizes == sorted(sizes)
    assert set(ARCHITECTURES) >= {"small", "v2", "v3", "large"}


def test_a_process_keeps_batches_ready() -> None:
    one, two = (process_bytes(SMALL, batch) - PROCESS_BYTES for batch in (100, 200))
    assert two == 2 * one > 2 * 100 * SMALL.input_planes * 64
