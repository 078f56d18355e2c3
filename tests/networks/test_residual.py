from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ringrift.game import BOARDS, configs, get_board, policy_size
from ringrift.game.actions import SCALAR_ACTIONS, first_planes
from ringrift.networks import inference_copy
from ringrift.networks.residual import CellMask, MeanAndMax, PolicyHead, SqueezeExcitation


def outside(board_name: str) -> Tensor:
    """True outside the board: `[H, W]`."""
    board = get_board(board_name)
    missing = torch.ones(board.size, board.size, dtype=torch.bool)
    for x, y, *_ in board.coordinates:
        missing[x + board.radius, y + board.radius] = False
    return missing


@pytest.mark.parametrize(("board", "players"), configs())
def test_a_policy_and_one_value_per_player_for_every_config(make_network, make_inputs, board, players):
    network = make_network(board, players)
    with torch.inference_mode():
        output = network(*make_inputs(network.config, 3))
    assert output.policy.shape == (3, policy_size(get_board(board)))
    assert output.values.shape == (3, players)
    assert output.policy.dtype == output.values.dtype == torch.float32
    assert output.policy.isfinite().all()
    assert output.values.abs().max() <= 1
    assert output.values.std() > 0


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_a_logit_at_a_plane_and_a_cell_is_the_action_plane_times_cells_plus_cell(board):
    head = PolicyHead(board, channels=4, head_channels=2)
    picks = [
        (0, 0),
        (3, board.cells - 1),
        (first_planes(board).end - 1, board.cells // 3),
        (first_planes(board).end - 1, board.cells - 1),
    ]
    for plane, cell in picks:
        nn.init.zeros_(head.maps.weight)
        nn.init.zeros_(head.maps.bias)
        with torch.no_grad():
            head.maps.weight[plane, 1] = 5.0
        x, y = board.coordinates[cell][:2]
        image = torch.zeros(2, board.size, board.size, 2)
        image[1, x + board.radius, y + board.radius, 1] = 1.0
        policy = head.whole(image.flatten(1, 2), torch.zeros(2, SCALAR_ACTIONS))
        assert policy.nonzero().tolist() == [[1, plane * board.cells + cell]]


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_actions_without_a_cell_come_last(board):
    head = PolicyHead(board, channels=4, head_channels=2)
    scalars = torch.arange(SCALAR_ACTIONS, dtype=torch.float32)[None]
    policy = head.whole(torch.zeros(1, board.size**2, 2), scalars)
    assert torch.equal(policy[:, first_planes(board).end * board.cells :], scalars)


@pytest.mark.parametrize("board", ["hex8", "hexagonal"])
def test_whatever_reads_neighbours_or_means_reads_zero_outside_a_hexagon(make_network, make_inputs, board):
    network = make_network(board)
    missing = outside(board)
    readers = (nn.Conv2d, MeanAndMax, SqueezeExcitation)
    seen = []

    def check(module, inputs):
        seen.append(type(module))
        assert inputs[0][:, :, missing].abs().max() == 0
        assert inputs[0][:, :, ~missing].abs().max() > 0

    for module in network.modules():
        if isinstance(module, readers):
            module.register_forward_pre_hook(check)
    features, globals_ = make_inputs(network.config, 2)
    features[:, :, missing] = 255
    with torch.inference_mode():
        network(features, globals_)
    assert set(seen) == set(readers)


@pytest.mark.parametrize("board", ["hex8", "hexagonal"])
def test_nothing_depends_on_what_lies_outside_a_hexagon(make_network, make_inputs, board):
    network = make_network(board)
    features, globals_ = make_inputs(network.config, 2)
    garbage = features.clone()
    garbage[:, :, outside(board)] = 255
    with torch.inference_mode():
        clean, dirty = network(features, globals_), network(garbage, globals_)
    assert torch.equal(clean.policy, dirty.policy)
    assert torch.equal(clean.values, dirty.values)


@pytest.mark.parametrize("board", ["square8", "hex8"])
def test_means_and_maxima_are_over_real_cells(board):
    geometry = get_board(board)
    image = CellMask(geometry)(torch.rand(2, 3, geometry.size, geometry.size))
    cells = image[:, :, ~outside(board)]
    expected = torch.cat([cells.mean(2), cells.amax(2)], 1)
    torch.testing.assert_close(MeanAndMax(geometry)(image), expected)


def test_the_trunk_is_what_the_heads_read(make_network, make_inputs):
    network = make_network()
    inputs = make_inputs(network.config, 2)
    with torch.inference_mode():
        trunk = network.trunk(*inputs)
        assert trunk.shape == (2, network.config.dimensions.channels, 8, 8)
        hidden, scalars = network.policy(trunk, network.pool(trunk))
        output = network(*inputs)
        assert torch.equal(output.policy, network.policy.whole(hidden, scalars))
        assert torch.equal(output.values, network.value(trunk))


def test_every_weight_learns(make_network, make_inputs):
    network = make_network("hex8", 3).train()
    output = network(*make_inputs(network.config, 8))
    (output.policy.logsumexp(1).mean() + output.values.square().mean()).backward()
    still = [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert still == []


def test_a_handful_of_positions_is_learnt_by_heart(make_network, make_inputs):
    network = make_network("hex8").train()
    inputs = make_inputs(network.config, 8)
    actions = torch.arange(8) * 100
    values = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(4, 1)
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(40):
        output = network(*inputs)
        loss = nn.functional.cross_entropy(output.policy, actions) + (output.values - values).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss < 0.5  # about 9.5 at the start: ln of the policy size, and 1


@pytest.mark.parametrize("board", ["square8", "hex8"])
def test_folding_the_norms_changes_nothing(make_network, make_inputs, board):
    network = make_network(board)
    inputs = make_inputs(network.config, 4)
    folded = inference_copy(network, torch.float32, torch.channels_last)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    with torch.inference_mode():
        plain, fast = network(*inputs), folded(*inputs)
    torch.testing.assert_close(fast.policy, plain.policy, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(fast.values, plain.values, rtol=1e-4, atol=1e-4)
