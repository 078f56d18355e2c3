"""Games of candidates are those that the players themselves would play, paired and with common random numbers."""

from __future__ import annotations

import numpy as np
import pytest

from ringrift.agents.heuristic import HeuristicAgent
from ringrift.evaluation.matches import MatchPlan, play_match
from ringrift.game import parse_config
from ringrift.heuristic import FEATURE_COUNT, frozen_weights, load_weights
from ringrift.limits import move_limit
from ringrift.tuning.fitness import (
    Games,
    NetworkFitness,
    draw_openings,
    game_fitness,
    one_ply_fitness,
    search_fitness,
)
from ringrift.tuning.heuristic import answer_candidate
from ringrift.tuning.one_ply_games import play_one_ply

UPSIDE_DOWN = -frozen_weights()


def test_a_compiled_game_is_the_game_of_the_players() -> None:
    """The same openings, weights and random numbers as in a match of two heuristic players: the same last positions."""
    config = "square8_2p"
    board, players = parse_config(config)
    other = frozen_weights() * np.linspace(0.5, 1.5, FEATURE_COUNT)
    weights = np.stack([frozen_weights(), other])
    agents = [HeuristicAgent(board, players, row, seed=9) for row in weights]
    plan = MatchPlan(config, ("one", "other"), 4, 8, move_limit(config), seed=9)
    played = sorted(play_match(agents, plan), key=lambda game: game.scheduled.number)
    states = draw_openings(config, Games(4, 9))[[game.scheduled.opening for game in played]]
    seats = np.array([game.scheduled.seating for game in played])
    numbers = np.array([game.scheduled.number for game in played])
    values = play_one_ply(board, players, states, numbers, seats, weights, max_moves=move_limit(config), seed=9)
    assert [tuple(row) for row in values.tolist()] == [game.outcome_values for game in played]
    assert states["ply"].tolist() == [game.plies for game in played]


@pytest.mark.parametrize("config", ["square8_2p", "hex8_3p"])
def test_equal_weights_score_one_half_and_bad_ones_nothing(config: str) -> None:
    """With equal weights all games of an opening are nearly one game, looked at from every seat."""
    candidates = np.stack([frozen_weights(), UPSIDE_DOWN])
    scores = one_ply_fitness(config)(candidates, frozen_weights()[np.newaxis], Games(3, 1))
    assert scores.shape == (2, 3)
    assert abs(scores[0].mean() - 0.5) < 0.35
    assert scores[1].mean() < 0.2


def test_candidates_do_not_change_each_others_games() -> None:
    candidates = np.stack([frozen_weights(), UPSIDE_DOWN, frozen_weights() * 2])
    panel, games = np.stack([frozen_weights(), UPSIDE_DOWN]), Games(4, 1)
    fitness = one_ply_fitness("square8_2p")
    together = fitness(candidates, panel, games)
    alone = [fitness(candidate[np.newaxis], panel, games)[0].tolist() for candidate in candidates]
    assert together.tolist() == alone


@pytest.mark.parametrize("config", ["square8_2p", "square8_3p"])
def test_a_search_plays_too(config: str) -> None:
    candidates = np.stack([load_weights(config), UPSIDE_DOWN])
    scores = search_fitness(config, nodes=20)(candidates, frozen_weights()[np.newaxis], Games(1, 3))
    assert scores.shape == (2, 1)
    assert scores[1, 0] <= scores[0, 0]


def test_both_uses_count_the_same() -> None:
    config, games, panel = "square8_2p", Games(3, 5), frozen_weights()[np.newaxis]
    candidates = np.stack([frozen_weights() * np.linspace(0.5, 1.5, FEATURE_COUNT), UPSIDE_DOWN])
    one_ply, search, both = (
        game_fitness(config, evaluator, 20)(candidates, panel, games) for evaluator in ("one_ply", "search", "both")
    )
    assert both == pytest.approx((one_ply + search) / 2)
    answer = answer_candidate(game_fitness(config, "both", 20), config, 0, 0, candidates[0], panel, games)
    assert answer.games == 12  # three openings, two seats, two uses


def test_agreement_with_a_network_is_highest_for_the_weights_that_made_its_values() -> None:
    features = np.random.default_rng(1).normal(size=(60, 2, FEATURE_COUNT)) / 10
    values = np.tanh(features @ frozen_weights() / 2)
    fitness = NetworkFitness(features, values, np.repeat(np.arange(6), 10))
    candidates = np.stack([frozen_weights(), UPSIDE_DOWN])
    scores = fitness(candidates, candidates, Games(4, 1))
    assert scores.shape == (2, 4)
    assert scores[0] == pytest.approx(np.ones(4))
    assert (scores[1] < 0.9).all()
    assert fitness(candidates, candidates, Games(100, 1)).shape == (2, 6)  # all games that there are
