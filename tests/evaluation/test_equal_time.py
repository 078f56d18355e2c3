"""Searches that are to take the same time get nodes by their speed in the games that they play."""

from __future__ import annotations

import numpy as np
import pytest

from ringrift.agents import BadSpec
from ringrift.evaluation import equal_time
from ringrift.evaluation.equal_time import GAMES, STAGES, calibrated, played_positions
from ringrift.game.state import GAME_OVER

PLAYERS = ("minimax?weights=v1", "minimax")


@pytest.mark.slow
def test_positions_are_choices_from_all_stages_of_games() -> None:
    states = played_positions("hex8_2p", PLAYERS)
    assert 2 * GAMES < len(states) <= GAMES * STAGES
    assert not (states["phase"] == GAME_OVER).any()
    assert states["ply"].min() >= 8, "openings are drawn, not played"
    assert states["ply"].max() > 2 * states["ply"].min()
    assert np.array_equal(states, played_positions("hex8_2p", PLAYERS)), "the same every time"


def test_a_player_that_takes_twice_the_time_of_the_last_one_gets_half_of_its_nodes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seconds = {"minimax?weights=v1&nodes=400": 2.0, "minimax?nodes=400": 1.0}
    monkeypatch.setattr(equal_time, "played_positions", lambda *_: None)
    monkeypatch.setattr(equal_time, "_seconds", lambda config, specs, states: [seconds[spec] for spec in specs])
    assert calibrated("hex8_2p", PLAYERS, 400) == ("minimax?weights=v1&nodes=200", "minimax?nodes=400")


def test_a_player_with_a_limit_of_its_own_is_refused() -> None:
    with pytest.raises(BadSpec, match="'minimax@2': has a limit of its own"):
        calibrated("hex8_2p", ("minimax@2", "minimax"), 400)
