"""The heuristic, with the weights that are kept for each config, is stronger than chance."""

from __future__ import annotations

import pytest
from ringrift.evaluation.statistics import sign_test

from ringrift.evaluation import MatchPlan, make_players, play_match, report_match

OPENINGS = {
    "square8_2p": 20,
    "square8_3p": 4,
    "square8_4p": 2,
    "hex8_2p": 20,
    "hex8_3p": 4,
    "hex8_4p": 2,
    "square19_2p": 8,
    "square19_3p": 3,
    "square19_4p": 1,
    "hexagonal_2p": 8,
    "hexagonal_3p": 3,
    "hexagonal_4p": 1,
}
MOVES = 4000
"""More than any of these games takes: with random players those on hexagonal outlast the usual limit."""


@pytest.mark.parametrize("config", OPENINGS)
def test_the_heuristic_beats_chance(config: str) -> None:
    """Over all seat orders both have every seat equally often: equal players would win half of the games each."""
    plan = MatchPlan(config, ("heuristic", "random"), OPENINGS[config], opening_plies=8, max_moves=MOVES)
    heuristic, random = report_match(plan, play_match(make_players(plan), plan)).players
    assert heuristic.won + random.won == plan.games
    assert sign_test(heuristic.won, random.won, "greater") < 0.01
