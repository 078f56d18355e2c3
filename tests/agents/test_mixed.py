"""The player that is another one in every game and seat."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from ringrift.agents import BadSpec, make_agent
from ringrift.agents.mixed import MixedAgent
from ringrift.agents.spec import parse_members
from ringrift.game import get_board
from ringrift.game.playout import random_playouts
from ringrift.game.state import GAME_OVER

BOARD = get_board("hex8")


def test_members_have_weights_and_specs() -> None:
    text = "mixed:3xpuct@8?temperature=1&noise=1,random,0.5xgumbel:models/x.pth@16"
    assert parse_members(text) == [
        (3, "puct@8?temperature=1&noise=1"),
        (1, "random"),
        (0.5, "gumbel:models/x.pth@16"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mixed", "'' is no member; the form is mixed:player,3xplayer,…, weights above 0"),
        ("mixed:", "'' is no member"),
        ("mixed@8", "'' is no member"),
        ("mixed:random,", "'' is no member"),
        ("mixed:2", "'2' is no member"),
        ("mixed:0xrandom", "'0xrandom' is no member"),
        ("mixed:-1xrandom", "'-1xrandom' is no member"),
        ("mixed:random,mixed:random", "cannot be a member of another"),
        ("mixed:random,dice", "unknown mode 'dice'"),
        ("mixed:random,puct@many", "after @ stands a whole number"),
    ],
)
def test_a_wrong_spec_is_explained(text: str, message: str) -> None:
    with pytest.raises(BadSpec, match=message):
        make_agent(text, BOARD, 3)


def agent(seed: int = 0) -> MixedAgent:
    made = make_agent("mixed:random,3xpuct@8", BOARD, 3, seed=seed)
    assert isinstance(made, MixedAgent)
    return made


def test_members_are_drawn_by_their_weights_for_every_game_and_seat() -> None:
    games = np.repeat(np.arange(1000), 3)
    seats = np.tile(np.arange(1, 4), 1000)
    drawn = agent().members(games, seats)
    assert 0.72 < drawn.mean() < 0.78
    per_game = Counter(map(tuple, drawn.reshape(-1, 3).tolist()))
    assert len(per_game) == 8, "the seats of a game are drawn apart"
    assert np.array_equal(agent().members(games[::-1], seats[::-1]), drawn[::-1])
    assert not np.array_equal(agent(seed=1).members(games, seats), drawn)


def test_it_answers_as_its_member_does() -> None:
    states = random_playouts(BOARD, 3, 40, seed=1, max_moves=30).states
    states = states[states["phase"] != GAME_OVER]
    games = np.arange(len(states))
    mixed = agent()
    output = mixed.act(states, games)
    drawn = mixed.members(games, states["player"].astype(np.int64))
    assert set(drawn.tolist()) == {0, 1}
    for member, spec in enumerate(("random", "puct@8")):
        (rows,) = np.nonzero(drawn == member)
        alone = make_agent(spec, BOARD, 3).act(states[rows], games[rows])
        assert np.array_equal(output.chosen_actions[rows], alone.chosen_actions)
        assert np.array_equal(output.root_values[rows], alone.root_values)
        assert np.array_equal(output.surprise[rows], alone.surprise, equal_nan=True)
        assert np.isnan(alone.surprise).all() == (spec == "random")
        for index, row in enumerate(rows):
            mine = slice(output.policy_offsets[row], output.policy_offsets[row + 1])
            its = slice(alone.policy_offsets[index], alone.policy_offsets[index + 1])
            for field in ("policy_actions", "policy_probs", "visits"):
                assert np.array_equal(getattr(output, field)[mine], getattr(alone, field)[its])
