"""The networks that come with the package are whole, fit their configs, and play."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ringrift.agents import make_agent
from ringrift.game import new_states, parse_config
from ringrift.nnue import find_network, read_network
from ringrift.nnue.batch import network_scores
from ringrift.nnue.file import SHIPPED
from tests.search.parts import positions

CONFIGS = sorted(path.stem for path in SHIPPED.glob("*.nnue"))
LARGEST = 1_000_000
"""Bytes of one: they travel with every copy of the package."""


def test_there_are_some() -> None:
    assert {"square8_2p", "square8_3p", "hex8_2p"} <= set(CONFIGS)


@pytest.mark.parametrize("config", CONFIGS)
def test_a_shipped_network_is_for_its_config_and_tells_positions_apart(config: str, tmp_path: Path) -> None:
    path = find_network(config, tmp_path)
    assert path.parent == SHIPPED
    assert path.stat().st_size < LARGEST
    board, players = parse_config(config)
    scores = network_scores(board, players, read_network(path, config).network, positions(board.name, players, 30, 60))
    assert scores.std() > 0.1
    assert np.abs(scores.sum(1)).max() < 1e-4


def test_nnue_plays_at_once_after_an_installation() -> None:
    board = parse_config("hex8_2p")[0]
    agent = make_agent("nnue@1", board, 2)
    output = agent.act(new_states(board, 2, 1), np.zeros(1, np.int64))
    assert output.chosen_actions[0] in output.policy_actions
