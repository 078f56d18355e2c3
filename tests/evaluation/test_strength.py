"""Who is stronger than whom: searches beat the player who looks one action ahead (sign test, p < 0.01)."""

from __future__ import annotations

import pytest

from ringrift.evaluation import MatchPlan, make_players, play_match, report_match
from ringrift.game import parse_config
from ringrift.limits import move_limit


def p_stronger(config: str, first: str, second: str, openings: int) -> float:
    plan = MatchPlan(
        config=config,
        players=(first, second),
        openings=openings,
        opening_plies=4 * parse_config(config)[1],
        max_moves=move_limit(config),
    )
    return report_match(plan, play_match(make_players(plan), plan)).comparisons[0].p_stronger


@pytest.mark.parametrize("config", ["square8_2p", "hex8_2p"])
def test_minimax_beats_the_heuristic(config: str) -> None:
    assert p_stronger(config, "minimax@3", "heuristic", 12) < 0.01


@pytest.mark.parametrize("config", ["square8_3p", "square8_4p", "hex8_3p", "hex8_4p"])
@pytest.mark.parametrize("search", ["maxn@2", "paranoid@2", "brs@2"])
def test_searches_for_more_players_beat_the_heuristic(search: str, config: str) -> None:
    assert p_stronger(config, search, "heuristic", 4) < 0.01
