"""A network that starts from one for fewer players, or for the smaller board of the same geometry.

What a network reads and what it may answer do not depend on the number of players: planes and globals have room for
four seats, and those of empty seats stay zero (`ringrift.encoding.layout`). So all weights fit but those of
the last layer of the value head, one row per player. But a network for two players has never seen anything in the
inputs of a third seat, and its weights there are noise: they are replaced by those of a seat that it knows.

Nor does anything but the policy depend on the size of the board: convolutions see a neighbourhood, heads see cells or
means. The policy has a plane for each direction and distance of a move (`ringrift.game.actions`); a distance that the
smaller board does not have begins as the longest that it has.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from ringrift.encoding import feature_version
from ringrift.encoding.layout import SEATS
from ringrift.game.actions import first_planes
from ringrift.game.boards import Board
from ringrift.networks import NetworkConfig, ResidualNetwork, WrongModel, build_network

VALUE_ROWS = ("value.values.weight", "value.values.bias")
"""The weights that have a row per player."""
PLANE_ROWS = ("policy.maps.weight", "policy.maps.bias")
"""The weights that have a row per plane of the policy."""


def transfer(parent: ResidualNetwork, config: NetworkConfig) -> tuple[ResidualNetwork, list[str]]:
    """A network of `config`, in training mode, with the weights of its parent, and what could not be taken over.

    - Inputs of seats that the parent has not played with get the weights of the last seat that it has: another
      opponent. As long as such a seat is empty they change nothing.
    - The input that says how many players there are is always 1, a bias in all but name; the one of the new number gets
      the weight of the old.
    - Values: seats that the parent knows keep their rows. New rows are random, drawn from torch's generator.
    - Policy: moves longer than any on the parent's board get the weights of the longest in their direction.

    On a position in which the new seats are empty, policy and the values of the known seats are the parent's.
    `WrongModel` if geometry, architecture or features differ, or the parent has more players or the larger board.
    """
    before = parent.config
    for name in ("architecture", "features"):
        if getattr(before, name) != getattr(config, name):
            raise WrongModel(
                f"the parent was made for {name} {getattr(before, name)}, not {getattr(config, name)}: "
                "weights can only be taken over from a network with the same"
            )
    if not may_start_from(before.geometry, config.geometry):
        raise WrongModel(
            f"the parent was made for board {before.board}, not {config.board}: start from a network of the same "
            "board, or of the smaller one of the same shape"
        )
    if before.players > config.players:
        raise WrongModel(
            f"the parent was made for {before.players} players, which is more than {config.players}: start from a "
            "network of as many players or fewer"
        )
    network = build_network(replace(config, input_scales=before.input_scales))  # the weights are trained for these
    weights = parent.state_dict()
    fresh = network.state_dict()
    for name in VALUE_ROWS:
        weights[name] = torch.cat([weights[name], fresh[name][before.players :].to(weights[name])])
    version = feature_version(config.features)
    for name, inputs in (
        ("stem.convolution.convolution.weight", version.planes),
        ("stem.globals.weight", version.globals),
    ):
        weights[name] = weights[name][:, _sources(inputs, before.players, config.players)]
    for name in PLANE_ROWS:
        weights[name] = weights[name][_plane_sources(before.geometry, config.geometry)]
    network.load_state_dict(weights)
    rows = ", ".join(map(str, range(before.players, config.players)))
    return network, [f"{name}: rows {rows} (new players) are random" for name in VALUE_ROWS if rows]


def may_start_from(before: Board, after: Board) -> bool:
    """Whether a network of one board can play on another: the same, or a larger one of the same geometry."""
    return before.hexagonal == after.hexagonal and before.size <= after.size


def _plane_sources(before: Board, after: Board) -> list[int]:
    """Return the plane of the parent's policy that each plane takes its weights from."""
    old, new = first_planes(before), first_planes(after)
    moves = (
        old.move + direction * before.max_distance + min(distance, before.max_distance - 1)
        for direction in range(len(after.directions))
        for distance in range(after.max_distance)
    )
    return [*range(new.move), *moves]


def _sources(names: tuple[str, ...], before: int, after: int) -> list[int]:
    """Return the input of the parent that each input takes its weights from."""
    sources = list(range(len(names)))
    for index, name in enumerate(names):
        feature, _, suffix = name.rpartition("_")
        counts_seats = f"{feature}_{SEATS[0]}" in names  # the suffixes of others count from 1, or are words
        if counts_seats and suffix in SEATS[before:after]:
            sources[index] = names.index(f"{feature}_{SEATS[before - 1]}")
        elif name == f"players_{after}":
            sources[index] = names.index(f"players_{before}")
    return sources
