"""PUCT search: noise, forced playouts, and the pruning of targets."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from ringrift.game import get_board, legal_actions, new_workspace, step
from ringrift.game.types import States
from ringrift.kernels.random import dirichlet, gamma, mix64
from ringrift.search import PuctSearch
from tests.search.parts import HashedEvaluator, check_tree, positions


@pytest.mark.parametrize("alpha", [0.05, 0.3, 1.0, 4.0])
def test_gamma_numbers_have_the_mean_and_variance_of_their_shape(alpha: float) -> None:
    numbers = np.array([gamma(np.uint64(mix64(np.uint64(i))), alpha) for i in range(20_000)])
    error = 5 * np.sqrt(alpha / len(numbers))
    assert numbers.mean() == pytest.approx(alpha, abs=error)
    assert numbers.var() == pytest.approx(alpha, rel=0.2)


def test_dirichlet_numbers_are_shares() -> None:
    out = np.zeros(12)
    for key in range(200):
        dirichlet(np.uint64(key), 0.3, 12, out)
        assert out.sum() == pytest.approx(1)
        assert (out >= 0).all()


def test_without_noise_the_target_is_the_visits() -> None:
    states = positions("square8", 2, 6, 50)
    output = PuctSearch(get_board("square8"), 2, HashedEvaluator(2), simulations=50).run(states)
    for game in range(len(states)):
        mine = slice(output.policy_offsets[game], output.policy_offsets[game + 1])
        assert output.policy_probs[mine] == pytest.approx(output.visits[mine] / 50)


def test_pruning_takes_visits_away_but_never_from_the_best_action() -> None:
    states = positions("square8", 2, 12, 50)
    output = PuctSearch(get_board("square8"), 2, HashedEvaluator(2), simulations=200, noise=True).run(states)
    pruned = 0
    for game in range(len(states)):
        mine = slice(output.policy_offsets[game], output.policy_offsets[game + 1])
        visits, policy = output.visits[mine], output.policy_probs[mine]
        best = int(visits.argmax())
        kept = policy / policy[best] * visits[best]
        assert (kept <= visits + 1e-3).all()
        assert output.chosen_actions[game] == output.policy_actions[mine][best]
        assert policy.sum() == pytest.approx(1)
        pruned += int((kept < visits - 0.5).sum())
    assert pruned > 0


# Going on with the tree of the last move


def reusing(board: str, players: int, simulations: int) -> PuctSearch:
    return PuctSearch(get_board(board), players, HashedEvaluator(players), simulations=simulations, reuse=True)


def play_on(states: States, chosen: npt.NDArray[np.int32], board: str) -> None:
    """Play the chosen actions, and then all forced ones."""
    work = new_workspace(get_board(board))
    tables = get_board(board).tables
    for state, action in zip(states, chosen, strict=True):
        step(state, int(action), tables, work)
        while legal_actions(state, tables, work, work["actions"]) == 1:
            step(state, int(work["actions"][0]), tables, work)


@pytest.mark.parametrize(("board", "players"), [("square8", 2), ("hex8", 3), ("square19", 2)])
def test_a_reused_tree_is_whole_and_spends_only_what_is_missing(board: str, players: int) -> None:
    states, games = positions(board, players, 6, 30).copy(), np.arange(40, 46)
    search = reusing(board, players, 60)
    kept = 0
    for _ in range(4):
        output = search.run(states, games)
        for game in range(6):
            mine = slice(output.policy_offsets[game], output.policy_offsets[game + 1])
            assert output.visits[mine].sum() == 60
            check_tree(search, search.slots_of[int(games[game])])
        play_on(states, output.chosen_actions, board)
        search.init_roots(states, games)
        kept += int((search.trees.used_nodes > 1).sum())
    assert kept > 12, "most positions were known to the tree of the move before"


def test_a_reused_tree_knows_its_position_without_asking_again() -> None:
    """The same position twice: the second search adds nothing and finds the same."""
    states = positions("square8", 2, 5, 40)
    search = reusing("square8", 2, 50)
    first, second = search.run(states), search.run(states)
    assert second.policy_probs.tobytes() == first.policy_probs.tobytes()
    assert second.visits.tobytes() == first.visits.tobytes()


def test_a_tree_is_found_again_whatever_lies_between_the_fields_of_a_state() -> None:
    states = positions("square8", 2, 5, 40)
    search = reusing("square8", 2, 50)
    first = search.run(states)
    littered = np.full(states.nbytes, 0xCD, np.uint8).view(states.dtype)
    for name in states.dtype.names or ():
        littered[name] = states[name]
    assert littered.tobytes() != states.tobytes()
    search.init_roots(littered, np.arange(5))
    assert (search.trees.used_nodes > 1).all(), "nothing is planted anew"
    assert search.run(littered).visits.tobytes() == first.visits.tobytes()


def test_games_keep_their_trees_whatever_else_is_searched() -> None:
    states = positions("hex8", 2, 9, 30)
    games = np.arange(9)

    def second_search(*between: list[int]) -> bytes:
        search = reusing("hex8", 2, 40)
        moved = states[:2].copy()
        play_on(moved, search.run(moved, games[:2]).chosen_actions, "hex8")
        for others in between:
            search.run(states[others], games[others])
        return search.run(moved, games[:2]).policy_probs.tobytes()

    assert second_search() == second_search([5, 3, 2], [8], [2, 3, 4, 5, 6, 7])


def test_a_forgotten_game_begins_anew() -> None:
    states = positions("square8", 2, 3, 40)
    search = reusing("square8", 2, 30)
    search.run(states, np.arange(3))
    search.forget(np.array([1, 77]))
    assert sorted(search.slots_of) == [0, 2]
    search.init_roots(states, np.array([0, 1, 2]))
    assert search.trees.used_nodes[search.slots].tolist()[1] == 1
    assert (search.trees.used_nodes[search.slots][[0, 2]] > 1).all()
