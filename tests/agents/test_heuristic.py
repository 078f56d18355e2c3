"""The player that looks one action ahead."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from ringrift.agents import make_agent
from ringrift.errors import RingRiftError
from ringrift.game import Game, get_board
from ringrift.heuristic import HeuristicEvaluator, frozen_weights, load_weights, write_weights
from ringrift.one_ply import SHARPNESS
from tests.game.drawing import drawn
from tests.search.parts import positions


def test_it_plays_what_is_worth_most_and_its_policy_is_the_softmax() -> None:
    board = get_board("hex8")
    states = positions("hex8", 3, 12, 60)
    output = make_agent("heuristic", board, 3).act(states, np.arange(len(states)))
    logits, values = HeuristicEvaluator(board, 3, load_weights("hex8_3p"))(
        states, output.policy_offsets, output.policy_actions
    )
    assert (output.root_values == values).all()
    for row in range(len(states)):
        mine = slice(output.policy_offsets[row], output.policy_offsets[row + 1])
        weights = np.exp(logits[mine] - logits[mine].max())
        assert output.policy_probs[mine] == pytest.approx(weights / weights.sum(), abs=1e-5)
        chosen = output.policy_actions[mine] == output.chosen_actions[row]
        assert logits[mine][chosen] == pytest.approx(logits[mine].max(), abs=1e-3)


def test_equally_good_actions_are_chosen_by_the_number_of_the_game() -> None:
    """Every placement on an empty board has its reflections."""
    game = Game("square8")
    states = np.repeat(game.array.reshape(1), 50)
    agent = make_agent("heuristic", game.board, 2, seed=3)
    output = agent.act(states, np.arange(50))
    mine = slice(output.policy_offsets[0], output.policy_offsets[1])
    best = output.policy_actions[mine][output.policy_probs[mine] > 0.999 * output.policy_probs[mine].max()]
    assert len(best) in (4, 8)
    assert set(output.chosen_actions.tolist()) == set(best.tolist())
    assert (agent.act(states, np.arange(50)).chosen_actions == output.chosen_actions).all()


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
    output = make_agent("heuristic", game.board, 2).act(game.array.reshape(1), np.zeros(1, np.int64))
    game.play(int(output.chosen_actions[0]))
    assert game.result().winner == 1
    share = output.policy_probs[output.policy_actions == output.chosen_actions[0]]
    assert share == pytest.approx(1, abs=np.exp(-SHARPNESS))


@pytest.mark.parametrize("form", ["heuristic:{}", "minimax@1?weights={}", "gumbel:heuristic@8?weights={}"])
def test_a_player_takes_the_weights_that_it_is_told(form: str, tmp_path: Path) -> None:
    """Upside down they make it lose: it chooses something else than with those of the frozen version."""
    path = tmp_path / "upside_down.yaml"
    write_weights(path, -frozen_weights(), "Upside down.")
    states = positions("square8", 2, 12, 60)
    chosen = [
        make_agent(form.format(name), get_board("square8"), 2).act(states, np.arange(len(states))).chosen_actions
        for name in ("v1", path)
    ]
    assert (chosen[0] != chosen[1]).any()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("heuristic:nowhere.yaml", "nowhere.yaml: there is no such file"),
        ("heuristic:v9", "weights 'v9': are neither the frozen version v1 nor a file that ends in .yaml"),
        ("puct@8?weights=v1", "weights are the heuristic's; write puct:heuristic"),
        ("random?weights=v1", "unknown option 'weights'; random knows none"),
    ],
)
def test_weights_that_are_not_there_are_refused(spec: str, message: str) -> None:
    with pytest.raises(RingRiftError, match=re.escape(message)):
        make_agent(spec, get_board("square8"), 2)
