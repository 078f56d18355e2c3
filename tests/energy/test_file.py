"""Files of energy networks: what is written is read, and what is not whole or not for us is refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ringrift.energy import BadEnergyNetwork, read_energy_id, read_energy_network, write_energy_network
from tests.energy.networks import random_weights

CONFIG = "hex8_3p"


def test_a_network_is_read_as_it_was_written(tmp_path: Path) -> None:
    weights = random_weights(3)
    identity = write_energy_network(tmp_path / "x.ebmo", CONFIG, weights, {"training": {"games": 7}})
    read = read_energy_network(tmp_path / "x.ebmo", CONFIG)
    assert all((one == other).all() for one, other in zip(read.weights, weights, strict=True))
    assert read.id == identity == read_energy_id(tmp_path / "x.ebmo")
    assert read.extra == {"training": {"games": 7}}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda content: content[:-1000], "cut off or altered"),
        (lambda content: content[:5000] + bytes([content[5000] ^ 1]) + content[5001:], "cut off or altered"),
        (lambda content: content[:6] + b"99" + content[8:], "is of version '99'"),
        (lambda _: b"", "no energy network"),
        (lambda _: b"RREBMO01" + bytes(10), "cut off or altered"),
    ],
    ids=["cut", "flipped", "other version", "empty", "head alone"],
)
def test_a_damaged_file_is_refused(spoil: Callable[[bytes], bytes], message: str, tmp_path: Path) -> None:
    path = tmp_path / "x.ebmo"
    write_energy_network(path, CONFIG, random_weights(3))
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(BadEnergyNetwork, match=message):
        read_energy_network(path)


def test_a_network_for_other_players_is_refused(tmp_path: Path) -> None:
    write_energy_network(tmp_path / "x.ebmo", CONFIG, random_weights(3))
    with pytest.raises(BadEnergyNetwork, match="is a network for hex8_3p, not for hex8_2p"):
        read_energy_network(tmp_path / "x.ebmo", "hex8_2p")


def test_weights_of_another_size_are_refused(tmp_path: Path) -> None:
    write_energy_network(tmp_path / "x.ebmo", "hex8_2p", random_weights(3))
    with pytest.raises(BadEnergyNetwork, match="bytes of weights, hex8_2p needs"):
        read_energy_network(tmp_path / "x.ebmo")


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    weights = random_weights(3)
    write_energy_network(tmp_path / "x.ebmo", CONFIG, weights._replace(pair_bias=weights.pair_bias * np.nan))
    with pytest.raises(BadEnergyNetwork, match="weights that are no numbers"):
        read_energy_network(tmp_path / "x.ebmo")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadEnergyNetwork, match=r"x\.ebmo: no such file; `ringrift train-ebmo` makes one"):
        read_energy_network(tmp_path / "x.ebmo")
