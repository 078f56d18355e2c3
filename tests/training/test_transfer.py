from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ringrift.encoding import encode_batch, feature_version, new_batch
from ringrift.game import get_board
from ringrift.game.actions import first_planes
from ringrift.networks import (
    ARCHITECTURES,
    Architecture,
    NetworkConfig,
    ResidualNetwork,
    WrongModel,
    build_network,
    load_model,
    save_model,
)
from ringrift.training.transfer import transfer
from tests.encoding.positions import random_states

VERSION = feature_version("v2")


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ARCHITECTURES, "tiny", Architecture(channels=16, blocks=1, squeeze=True, head_channels=8))


def trained(board: str = "square8", players: int = 2) -> ResidualNetwork:
    """A network none of whose norms is the identity."""
    torch.manual_seed(7)
    network = build_network(NetworkConfig.of("tiny", board, players)).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.3, 0.7)
            nn.init.normal_(module.bias, std=0.3)
    return network


def positions(board: str, players: int) -> tuple[Tensor, Tensor]:
    states = random_states(board, players, games=4, parts=4)
    features, globals_ = new_batch(VERSION, get_board(board), len(states))
    encode_batch(states, VERSION, get_board(board), features, globals_, threads=1)
    return torch.from_numpy(features), torch.from_numpy(globals_)


def seen_as(globals_: Tensor, players: int) -> Tensor:
    """The same positions in a game of more players, who have nothing any more."""
    changed = globals_.clone()
    for number in (2, 3, 4):
        changed[:, VERSION.globals.index(f"players_{number}")] = number == players
    return changed


@pytest.mark.parametrize(("board", "before", "after"), [("square8", 2, 3), ("square8", 2, 4), ("hex8", 3, 4)])
def test_where_the_new_seats_are_empty_it_plays_and_judges_as_its_parent(board: str, before: int, after: int) -> None:
    parent = trained(board, before)
    network, missing = transfer(parent, replace(parent.config, players=after))
    features, globals_ = positions(board, before)
    with torch.inference_mode():
        ours, theirs = parent(features, globals_), network.eval()(features, seen_as(globals_, after))
    torch.testing.assert_close(theirs.policy, ours.policy)
    torch.testing.assert_close(theirs.values[:, :before], ours.values)
    assert theirs.values.shape == (len(features), after)
    rows = ", ".join(str(seat) for seat in range(before, after))
    assert missing == [f"value.values.{part}: rows {rows} (new players) are random" for part in ("weight", "bias")]


def test_a_new_opponent_looks_like_one_that_the_parent_knew() -> None:
    parent = trained()
    network, _ = transfer(parent, replace(parent.config, players=4))
    features, globals_ = positions("square8", 2)
    others, other_globals = features.clone(), seen_as(globals_, 4)
    for inputs, names in ((others, VERSION.planes), (other_globals, VERSION.globals)):
        for name in names:
            if name.endswith("_1") and f"{name[:-2]}_0" in names:  # the opponent moves to the last seat
                inputs[:, names.index(f"{name[:-2]}_3")] = inputs[:, names.index(name)]
                inputs[:, names.index(name)] = 0
    assert (others != features).any()
    with torch.inference_mode():
        ours, theirs = parent(features, globals_), network.eval()(others, other_globals)
    torch.testing.assert_close(theirs.policy, ours.policy)


def test_as_many_players_take_everything_over() -> None:
    parent = trained(players=3)
    network, missing = transfer(parent, parent.config)
    assert missing == []
    weights = network.state_dict()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in parent.state_dict().items())


@pytest.mark.parametrize(("small", "large"), [("square8", "square19"), ("hex8", "hexagonal")])
def test_on_a_larger_board_a_move_that_is_too_long_for_the_parent_begins_as_its_longest(small: str, large: str) -> None:
    parent = trained(small)
    network, missing = transfer(parent, NetworkConfig.of("tiny", large, 3))
    assert [name for name in missing if name.startswith("policy")] == []
    board, longest = get_board(large), get_board(small).max_distance
    with torch.inference_mode():
        policy = network.eval()(*positions(large, 3)).policy[:, : first_planes(board).end * board.cells]
    moves = policy.unflatten(1, (-1, board.cells))[:, first_planes(board).move :]
    by_distance = moves.unflatten(1, (len(board.directions), board.max_distance))
    known, unknown = by_distance[:, :, :longest], by_distance[:, :, longest:]
    torch.testing.assert_close(unknown, known[:, :, -1:].expand_as(unknown))
    assert (known[:, :, 0] != known[:, :, 1]).any()


def test_on_a_larger_board_whatever_knows_no_distance_is_taken_over_whole() -> None:
    parent = trained("hex8")
    weights = transfer(parent, NetworkConfig.of("tiny", "hexagonal", 2))[0].state_dict()
    same = {name for name, tensor in parent.state_dict().items() if torch.equal(tensor, weights[name])}
    assert parent.state_dict().keys() - same == {"policy.maps.weight", "policy.maps.bias"}


def test_the_parent_stays_as_it_is_and_scales_go_along(tmp_path) -> None:
    parent = trained()
    save_model(tmp_path / "parent.pth", parent)
    asked = replace(parent.config, players=3, input_scales=tuple(np.ones(len(VERSION.planes)).tolist()))
    network, _ = transfer(parent, asked)
    assert network.training
    assert network.config == replace(parent.config, players=3)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    kept = load_model(tmp_path / "parent.pth").state_dict()
    assert all(torch.equal(tensor, kept[name]) for name, tensor in parent.state_dict().items())


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"board": "hex8"}, "made for board square8, not hex8"),
        ({"board": "hexagonal"}, "made for board square8, not hexagonal: start from a network of the same board, or"),
        ({"architecture": "small"}, "made for architecture tiny, not small"),
        ({"features": "v1"}, "made for features v2, not v1"),
        ({"players": 2}, "made for 3 players, which is more than 2"),
    ],
)
def test_what_does_not_fit_is_one_clear_line(changes: dict[str, object], complaint: str) -> None:
    parent = trained(players=3)
    wanted = {"architecture": "tiny", "board": "square8", "players": 4, "features": "v2"} | changes
    with pytest.raises(WrongModel, match=complaint) as caught:
        transfer(parent, NetworkConfig.of(**wanted))
    assert "\n" not in str(caught.value)
