"""What an agent thinks of positions and games."""

from __future__ import annotations

import numpy as np
import pytest

from ringrift.agents import make_agent
from ringrift.evaluation.analysis import analyse_game, assess
from ringrift.game import Game, get_board
from ringrift.game.types import States
from ringrift.heuristic import evaluate, load_weights, new_scratch
from ringrift.kernels.types import I64
from ringrift.search import SearchOutput


class FirstAction:
    """Plays the first legal action; a position is worth its number of moves, in hundredths, to seat 1."""

    def __init__(self) -> None:
        self.agent = make_agent("random", get_board("hex8"), 2)

    def act(self, states: States, games: I64) -> SearchOutput:
        output = self.agent.act(states, games)
        output.chosen_actions[:] = output.policy_actions[output.policy_offsets[:-1]]
        output.root_values[:, 0] = states["ply"] / 100
        output.root_values[:, 1] = -states["ply"] / 100
        return output


def random_game(seed: int) -> Game:
    rng = np.random.default_rng(seed)
    game = Game("hex8", 2)
    while not game.is_over:
        game.play(int(rng.choice(game.legal_actions())))
    return game


def test_candidates_begin_with_the_choice_and_have_the_values_of_what_follows() -> None:
    game = Game("hex8", 2)
    (assessment,) = assess(FirstAction(), game.board, 2, game.array.reshape(1), top=3)
    assert assessment.values == (0, 0)
    assert [candidate.action for candidate in assessment.candidates] == game.legal_actions()[:3].tolist()
    assert assessment.candidates[0].key == "PR -4,0,4 1"
    assert assessment.candidates[0].values == pytest.approx((0.01, -0.01))


def test_forced_actions_are_played_before_the_position_after_is_judged() -> None:
    game = Game("hex8", 2)
    game.play("PR 0,0,0 1")
    (assessment,) = assess(FirstAction(), game.board, 2, game.array.reshape(1), top=1)
    game.play(assessment.candidates[0].action)
    while len(game.legal_actions()) == 1:
        game.play(int(game.legal_actions()[0]))
    assert assessment.candidates[0].values[0] == pytest.approx(game.array["ply"] / 100)
    assert game.player == 2


def test_an_action_that_ends_the_game_has_the_values_of_the_outcome() -> None:
    game = random_game(1)
    winner = game.player
    while len(game.legal_actions()) < 2:
        game.undo()
    (assessment,) = assess(
        FirstAction(), game.board, 2, game.array.reshape(1), top=1, played=[random_game(1).actions[len(game.actions)]]
    )
    assert assessment.candidates[-1].values == ((1, -1) if winner == 1 else (-1, 1))


def test_a_game_is_analysed_action_by_action() -> None:
    game = random_game(2)
    rows = list(analyse_game(FirstAction(), game, plies=range(10, 90), top=2))
    assert {row.ply for row in rows} == set(range(10, 90))
    replayed = Game("hex8", 2)
    for action in game.actions:
        if replayed.array["ply"] in range(10, 90):
            row = rows.pop(0)
            assert (row.action, row.player, row.legal) == (action, replayed.player, len(replayed.legal_actions()))
            assert row.key == replayed.key(action)
            assert (row.assessment is None) == (row.legal == 1)
            if row.assessment is not None:
                assert row.played is not None
                assert row.lost is not None
                assert row.lost >= 0
        replayed.play(action)
    assert rows == []


def test_what_was_lost_is_the_difference_to_the_best_candidate_for_who_played() -> None:
    game = Game("hex8", 2)
    for key in ("PR 0,0,0 2", "MS 0,0,0>0,2,-2"):
        game.play(key)
    agent = make_agent("puct@8", game.board, 2)
    for row in analyse_game(agent, game, plies=range(10), top=3):
        assert row.assessment is not None
        assert row.played is not None
        assert row.lost == max(c.values[0] for c in row.assessment.candidates) - row.played.values[0]


def test_the_terms_of_the_heuristic_add_up_to_its_verdict() -> None:
    game = random_game(3)
    weights = load_weights(game.config)
    rows = list(analyse_game(FirstAction(), game, plies=range(30, 60), top=1, weights=weights))
    assert [row.terms is None for row in rows] == [row.legal == 1 for row in rows]
    replayed = Game("hex8", 2)
    values = np.zeros(4, np.float32)
    for action in game.actions:
        if replayed.array["ply"] in range(30, 60):
            terms = rows.pop(0).terms
            if terms is not None:
                first, second = np.sum(list(terms.values()), axis=0)
                evaluate(replayed.array, game.board.tables, weights, new_scratch(game.board), values)
                assert values[0] == pytest.approx(np.tanh((first - second) / 2), abs=1e-5)
        replayed.play(action)
