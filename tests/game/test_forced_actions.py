"""Actions that are forced: a search asks for them without a list of all that is legal."""

from __future__ import annotations

import numpy as np
import pytest

from ringrift.game import configs, get_board, legal_actions, new_states, new_workspace, step
from ringrift.game.state import GAME_OVER
from ringrift.game.turn import only_action, play_forced


@pytest.mark.parametrize(("board", "players"), configs())
def test_the_only_action_is_the_one_that_is_listed_alone(board: str, players: int) -> None:
    """Random games, every position: forced ones, choices, and the end."""
    geometry = get_board(board)
    tables, work, other = geometry.tables, new_workspace(geometry), new_workspace(geometry)
    generator = np.random.default_rng(players)
    forced = choices = 0
    for state in new_states(geometry, players, 2, swap_rule=True):
        played = np.zeros(1, state.dtype)
        while state["phase"] != GAME_OVER:
            count = legal_actions(state, tables, work, work["actions"])
            legal = work["actions"][:count].copy()
            before = state.tobytes()
            assert only_action(state, tables, other) == (legal[0] if count == 1 else -1)
            assert state.tobytes() == before
            if count > 1:
                played[0] = state
                play_forced(played[0], tables, other)
                assert played[0].tobytes() == before, "where there is a choice, nothing is forced"
            forced += count == 1
            choices += count > 1
            step(state, int(generator.choice(legal)), tables, work)
        assert only_action(state, tables, other) == -1
    assert forced > 20
    assert choices > 20
