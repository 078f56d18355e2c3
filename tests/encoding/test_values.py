"""Values by rank, and values by seat or from the player to act."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringrift.encoding import outcome_values, outcomes, rank_values, to_absolute, to_relative
from ringrift.game import Game, configs, get_board, new_states
from ringrift.game.playout import random_playouts

THIRD = 1 / 3


@pytest.mark.parametrize(
    ("ranks", "values"),
    [
        ((1, 2), (1, -1)),
        ((2, 1), (-1, 1)),
        ((1, 1), (0, 0)),
        ((1, 2, 3), (1, 0, -1)),
        ((1, 2, 2), (1, -0.5, -0.5)),
        ((3, 1, 1), (-1, 0.5, 0.5)),
        ((1, 1, 1), (0, 0, 0)),
        ((1, 2, 3, 4), (1, THIRD, -THIRD, -1)),
        ((4, 2, 1, 3), (-1, THIRD, 1, -THIRD)),
        ((1, 2, 2, 4), (1, 0, 0, -1)),
        ((1, 2, 3, 3), (1, THIRD, -2 * THIRD, -2 * THIRD)),
        ((1, 2, 2, 2), (1, -THIRD, -THIRD, -THIRD)),
        ((1, 1, 3, 4), (2 * THIRD, 2 * THIRD, -THIRD, -1)),
        ((1, 1, 3, 3), (2 * THIRD, 2 * THIRD, -2 * THIRD, -2 * THIRD)),
        ((1, 1, 1, 4), (THIRD, THIRD, THIRD, -1)),
        ((1, 1, 1, 1), (0, 0, 0, 0)),
    ],
)
def test_values_by_rank(ranks: tuple[int, ...], values: tuple[float, ...]) -> None:
    assert rank_values(ranks).tolist() == pytest.approx(values)


@pytest.mark.parametrize("players", [2, 3, 4])
def test_values_sum_to_zero_in_every_pattern_of_ties(players: int) -> None:
    for scores in product(range(players), repeat=players):
        ranks = [1 + sum(other > mine for other in scores) for mine in scores]
        values = rank_values(ranks)
        assert values.sum() == pytest.approx(0, abs=1e-6)
        assert all((values[a] > values[b]) == (ranks[a] < ranks[b]) for a in range(players) for b in range(players))


@pytest.mark.parametrize(("board", "players"), configs())
def test_outcomes_of_games_follow_their_ranks(board: str, players: int) -> None:
    geometry = get_board(board)
    states = random_playouts(geometry, players, 8, seed=2).states
    values = outcomes(states, players)
    for row, state in enumerate(states):
        game = Game(board, players)
        game._start(np.array([state]))
        ranks = game.result().ranks
        assert ranks is not None
        assert values[row].tolist() == rank_values(ranks).tolist()
        assert values[row, state["winner"] - 1] == 1


def test_a_game_without_a_winner_is_worth_nothing() -> None:
    values = np.full(4, 9, np.float32)
    outcome_values(new_states(get_board("hex8"), 3)[0], values)
    assert values.tolist() == [0, 0, 0, 0]


def test_relative_values_begin_with_the_player_to_act() -> None:
    by_seat = np.array([0.1, 0.2, 0.3])
    assert to_relative(by_seat, 2).tolist() == [0.2, 0.3, 0.1]
    assert to_absolute(np.array([0.2, 0.3, 0.1]), 2).tolist() == [0.1, 0.2, 0.3]


@given(st.integers(2, 4), st.lists(st.integers(0, 3), min_size=1, max_size=6))
def test_there_and_back_again(players: int, seats: list[int]) -> None:
    """For one seat, and for a batch in which every row has its own."""
    values = np.arange(len(seats) * players, dtype=np.float32).reshape(-1, players)
    player = np.array(seats) % players + 1
    batch = to_relative(values, player)
    assert batch.dtype == np.float32
    assert (to_absolute(batch, player) == values).all()
    for row, seat in enumerate(player.tolist()):
        assert (to_relative(values[row], seat) == batch[row]).all()
        assert batch[row, 0] == values[row, seat - 1]
