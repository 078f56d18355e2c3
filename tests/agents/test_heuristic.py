"""The player that looks one action ahead."""

from __future__ import annotations

import numpy as np
import pytest

from ringrift.agents import make_agent
from ringrift.game import Game, get_board
from ringrift.heuristic import SHARPNESS, HeuristicEvaluator, load_weights
from tests.game.drawing import drawn
from tests.search.parts import positions


def test_it_plays_what_is_worth_most_and_its_policy_is_the_softmax() -> None:
    board = get_board("hex8")
    states = positions("hex8", 3, 12, 60)
    found = make_agent("heuristic", board, 3).find(states, np.arange(len(states)))
    logits, values = HeuristicEvaluator(board, 3, load_weights("hex8_3p"))(states, found.offsets, found.actions)
    assert (found.values == values).all()
    for row in range(len(states)):
        mine = slice(found.offsets[row], found.offsets[row + 1])
        weights = np.exp(logits[mine] - logits[mine].max())
        assert found.policy[mine] == pytest.approx(weights / weights.sum(), abs=1e-5)
        chosen = found.actions[mine] == found.chosen[row]
        assert logits[mine][chosen] == pytest.approx(logits[mine].max(), abs=1e-3)


def test_equally_good_actions_are_chosen_by_the_number_of_the_game() -> None:
    """Every placement on an empty board has its reflections."""
    game = Game("square8")
    states = np.repeat(game.array.reshape(1), 50)
    agent = make_agent("heuristic", game.board, 2, seed=3)
    found = agent.find(states, np.arange(50))
    mine = slice(found.offsets[0], found.offsets[1])
    best = found.actions[mine][found.policy[mine] > 0.999 * found.policy[mine].max()]
    assert len(best) in (4, 8)
    assert set(found.chosen.tolist()) == set(best.tolist())
    assert (agent.find(states, np.arange(50)).chosen == found.chosen).all()


def test_it_takes_a_win() -> None:
    """Eliminating the cap that is due makes enough rings."""
    game = drawn(
        "square8",
        "11 . 1\n. . .\n2",
        phase="territory_processing",
        pendingTerritoryElim=True,
        turnHadBoardChange=True,
        eliminatedRings=[16, 0],
        ringsInHand=[0, 16],
    )
    found = make_agent("heuristic", game.board, 2).find(game.array.reshape(1), np.zeros(1, np.int64))
    game.play(int(found.chosen[0]))
    assert game.result().winner == 1
    share = found.policy[found.actions == found.chosen[0]]
    assert share == pytest.approx(1, abs=np.exp(-SHARPNESS))
