"""The networks that come with the package are whole, fit their configs, and play."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ringrift.agents import make_agent
from ringrift.game import configs, new_states, parse_config
from ringrift.nnue import BadNnue, find_network, promoted_network, read_network, write_network
from ringrift.nnue.batch import network_scores
from ringrift.nnue.file import SHIPPED
from tests.nnue.networks import random_network
from tests.search.parts import positions

CONFIGS = sorted(path.stem for path in SHIPPED.glob("*.nnue"))
LARGEST = 8_500_000
"""Bytes of one: they travel with every copy of the package."""


def test_every_config_has_one() -> None:
    assert {f"{board}_{players}p" for board, players in configs()} == set(CONFIGS)


@pytest.mark.parametrize("config", CONFIGS)
def test_a_shipped_network_is_for_its_config_and_tells_positions_apart(config: str, tmp_path: Path) -> None:
    path = find_network(config, tmp_path)
    assert path.parent == SHIPPED
    assert path.stat().st_size < LARGEST
    board, players = parse_config(config)
    scores = network_scores(board, players, read_network(path, config).network, positions(board.name, players, 30, 60))
    assert scores.std() > 0.1
    assert np.abs(scores.sum(1)).max() < 1e-4


def test_the_frozen_name_plays_with_the_network_of_the_package_whatever_was_promoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    board = parse_config("hex8_2p")[0]
    write_network(promoted_network(Path("models"), "hex8_2p"), "hex8_2p", random_network(board))
    states = positions("hex8", 2, 4, 40)
    frozen, promoted, shipped = (
        make_agent(f"minimax:{name}@1", board, 2).act(states, np.arange(len(states))).root_values
        for name in ("nnue-shipped", "nnue", SHIPPED / "hex8_2p.nnue")
    )
    assert (frozen == shipped).all()
    assert (frozen != promoted).any()
    monkeypatch.setattr("ringrift.nnue.file.SHIPPED", tmp_path)
    with pytest.raises(BadNnue, match="no integer network for hex8_2p comes with the package"):
        make_agent("minimax:nnue-shipped@1", board, 2)


def test_nnue_plays_at_once_after_an_installation() -> None:
    board = parse_config("hex8_2p")[0]
    agent = make_agent("nnue@1", board, 2)
    output = agent.act(new_states(board, 2, 1), np.zeros(1, np.int64))
    assert output.chosen_actions[0] in output.policy_actions
