"""The positions in which models have lost their games of gauntlets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ringrift.agents import make_agent
from ringrift.evaluation.lost_positions import lost_positions, turning_point
from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.participants import model_participant, participant
from ringrift.game import get_board
from ringrift.networks import NetworkConfig, build_network, save_model
from tests.contexts import any_context

CONFIG = "square8_2p"


@pytest.fixture
def played(runner: MatchRunner, tmp_path: Path) -> int:
    """Games of a gate between a network that knows nothing and the heuristic; the number that the network has lost."""
    torch.manual_seed(0)
    save_model(tmp_path / "model.pth", build_network(NetworkConfig.of("small", "square8", 2)))
    players = (model_participant(tmp_path / "model.pth", "policy"), participant("heuristic", CONFIG))
    plan = runner.plan(CONFIG, players, games=6, kind="gate", part="test")
    games = runner.play("gate", plan, runner.agents(plan, players))
    return sum(game.winner() == players[1].name for game in games)


def test_a_lost_game_is_hard_where_the_value_of_the_model_falls_most(runner: MatchRunner, played: int) -> None:
    judge = make_agent("gumbel:heuristic@4", get_board("square8"), 2)
    found = lost_positions(runner.database, CONFIG, judge, 100, 50, any_context())
    assert 0 < len(found) <= played
    scores = [position.score for position in found]
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] > 0
    for position in found:
        game = position.played(CONFIG)
        assert position.reason == "lost"
        assert position.best in game.legal_actions()
        values = judge.act(game.array.reshape(1), np.zeros(1, np.int64)).root_values[0]
        assert position.value == pytest.approx(float(values[game.player - 1]))
    assert lost_positions(runner.database, CONFIG, judge, 100, 1, any_context()) == found[:1]
    assert lost_positions(runner.database, "hex8_2p", judge, 100, 1, any_context()) == []


@pytest.mark.parametrize(
    ("values", "place"), [([0.5, 0.4, -0.5, -0.6], 1), ([0.1, 0.2, 0.3], None), ([0.4], None), ([], None)]
)
def test_the_turning_point_is_the_deepest_fall(values: list[float], place: int | None) -> None:
    assert turning_point(np.array(values, np.float32)) == place
