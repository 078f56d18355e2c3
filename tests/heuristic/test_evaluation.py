"""What holds for features and values in every position."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringrift.encoding import outcomes
from ringrift.game import BOARDS, Board, configs, get_board, legal_actions, new_workspace, step
from ringrift.game.boards import MAX_PLAYERS
from ringrift.game.playout import random_playouts
from ringrift.game.state import GAME_OVER, OWES_NOTHING, TERRITORY_PROCESSING
from ringrift.game.turn import play_forced
from ringrift.heuristic import (
    FEATURE_COUNT,
    FEATURE_NAMES,
    HeuristicEvaluator,
    evaluate,
    load_weights,
    new_scratch,
    score,
    write_features,
)
from ringrift.heuristic.features import write_changed_features
from ringrift.one_ply import SHARPNESS
from ringrift.search.legal import list_legal
from tests.encoding.positions import any_config, few, random_position, random_states, rewritten, seeds
from tests.heuristic.positions import features_of, game_at

any_weights = st.lists(st.floats(-100, 100), min_size=FEATURE_COUNT, max_size=FEATURE_COUNT).map(np.array)


def close(found: Any, expected: Any) -> bool:
    """Equal but for the order of sums."""
    return bool(np.allclose(found, expected, atol=1e-5))


def judged(state: Any, board: Board, weights: Any, how: Any = evaluate) -> Any:
    """The values of a position, or with `score` its scores, by seat."""
    found = np.full(MAX_PLAYERS, np.nan, np.float32)
    how(state, board.tables, weights, new_scratch(board), found)
    return found[: state["players"]]


@cache
def claim_states(board: str, players: int) -> Any:
    """Positions from random games in which the player to act may claim a region."""
    states = random_states(board, players)
    states = states[(states["phase"] == TERRITORY_PROCESSING) & (states["owed"] == OWES_NOTHING)]
    work = new_workspace(get_board(board))
    choices = [legal_actions(state, get_board(board).tables, work, work["actions"]) for state in states]
    return states[np.array(choices, int) > 1]


@few
@given(any_config, seeds, st.integers(0, 11), st.integers(0, 3))
def test_directions_and_the_numbers_of_seats_mean_nothing(
    config: tuple[str, int], seed: int, symmetry: int, seats: int
) -> None:
    """Turn or reflect the board, and move every player on by some seats: the features go with the players."""
    game = random_position(*config, seed)
    moved = rewritten(game, symmetry % len(game.board.symmetries), seats % game.players)
    assert close(features_of(moved), np.roll(features_of(game), seats, axis=0))


@pytest.mark.parametrize("board", BOARDS)
def test_nor_do_they_for_claims(board: str) -> None:
    """They are looked for in one phase only, which random positions seldom meet."""
    states = claim_states(board, 3)
    assert len(states) > 0
    for index, state in enumerate(states[:20]):
        game = game_at(board, 3, state)
        expected = features_of(game)
        assert expected[game.player - 1, FEATURE_NAMES.index("claim_cells")] > 0
        symmetry, seats = index % len(game.board.symmetries), index % 3
        found = features_of(rewritten(game, symmetry, seats))
        assert close(found, np.roll(expected, seats, axis=0))


@few
@given(any_config, seeds, any_weights)
def test_scores_add_up_to_nothing_and_values_are_their_squashed_halves(
    config: tuple[str, int], seed: int, weights: Any
) -> None:
    game = random_position(*config, seed)
    scores = judged(game.array, game.board, weights, score)
    assert abs(scores.sum()) < 1e-5 * (1 + abs(scores).max())
    values = judged(game.array, game.board, weights)
    assert close(values, np.tanh(scores / 2))
    assert abs(values).max() <= 1


@pytest.mark.parametrize(("board", "players"), configs())
def test_a_finished_game_has_its_exact_outcome(board: str, players: int) -> None:
    geometry = get_board(board)
    states = random_playouts(geometry, players, 6, seed=3).states
    weights = load_weights(f"{board}_{players}p")
    expected = outcomes(states, players)
    for row, state in enumerate(states):
        assert judged(state, geometry, weights).tolist() == expected[row].tolist()
        assert judged(state, geometry, weights, score).argmax() == state["winner"] - 1


@pytest.mark.parametrize(("board", "players"), configs())
def test_one_ply_ahead_is_playing_every_action_and_what_is_forced_then(board: str, players: int) -> None:
    weights = load_weights(f"{board}_{players}p")
    geometry = get_board(board)
    work = new_workspace(geometry)
    states = random_states(board, players)[::29].copy()
    offsets, actions = list_legal(states, geometry.tables, work)
    logits, values = HeuristicEvaluator(geometry, players, weights)(states, offsets, actions)
    for row, state in enumerate(states):
        assert close(values[row], judged(state, geometry, weights))
        mine = range(offsets[row], offsets[row + 1])
        for index in mine[:: max(1, len(mine) // 10)]:
            child = states[row : row + 1].copy()
            step(child[0], actions[index], geometry.tables, work)
            play_forced(child[0], geometry.tables, work)
            expected = SHARPNESS * judged(child[0], geometry, weights, score)[state["player"] - 1]
            assert close(logits[index], expected)


@pytest.mark.parametrize(("board", "players"), configs())
def test_a_position_that_differs_in_some_cells_counts_as_if_it_were_looked_at_alone(board: str, players: int) -> None:
    geometry = get_board(board)
    work, scratch = new_workspace(geometry), new_scratch(geometry)
    states = random_states(board, players)[::17].copy()
    offsets, actions = list_legal(states, geometry.tables, work)
    before, after, alone = (np.zeros((players, len(FEATURE_NAMES)), np.float32) for _ in range(3))
    child = np.zeros(1, states.dtype)
    compared = 0
    for row, state in enumerate(states):
        write_features(state, geometry.tables, scratch, before)
        mine = range(offsets[row], offsets[row + 1])
        for index in mine[:: max(1, len(mine) // 40)]:
            child[0] = state
            step(child[0], actions[index], geometry.tables, work)
            play_forced(child[0], geometry.tables, work)
            if child[0]["phase"] == GAME_OVER:
                continue
            write_changed_features(state, child[0], geometry.tables, scratch, after)
            write_features(child[0], geometry.tables, new_scratch(geometry), alone)
            assert after.tobytes() == alone.tobytes()
            compared += 1
    assert compared > len(states)


@pytest.mark.parametrize(("board", "players"), [("square8", 2), ("hexagonal", 3)])
def test_the_number_of_threads_changes_nothing(board: str, players: int) -> None:
    geometry = get_board(board)
    weights = load_weights(f"{board}_{players}p")
    states = random_states(board, players)
    offsets, actions = list_legal(states, geometry.tables, new_workspace(geometry))
    one, three = (
        HeuristicEvaluator(geometry, players, weights, threads=threads)(states, offsets, actions) for threads in (1, 3)
    )
    assert [part.tobytes() for part in one] == [part.tobytes() for part in three]
