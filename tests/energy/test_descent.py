"""The descent on the energy of actions: the kernels say what the trained network says, and descents find the bottom."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ringrift.agents.energy import EnergyAgent
from ringrift.energy import EnergyWeights, input_count
from ringrift.energy.inputs import write_action, write_view
from ringrift.game import get_board
from ringrift.game.state import new_workspace, state_type
from ringrift.game.types import States
from ringrift.heuristic import new_scratch
from ringrift.kernels.types import F32
from ringrift.networks.energy import EnergyNetwork
from ringrift.search import SearchOutput
from tests.energy.networks import random_weights
from tests.search.parts import positions

BOARD = get_board("square8")
PLAYERS = 2


def played(
    weights: EnergyWeights, states: States, *, restarts: int, steps: int, first: int = 0, seed: int = 0
) -> SearchOutput:
    agent = EnergyAgent(BOARD, PLAYERS, weights, restarts=restarts, steps=steps, seed=seed)
    return agent.act(states, np.arange(first, first + len(states)))


def trained_energies(network: EnergyNetwork, state: np.void, actions: list[int]) -> F32:
    """The energies that the network of the training gives to the actions of a position."""
    work, scratch, trial = new_workspace(BOARD), new_scratch(BOARD), np.empty(1, state_type(BOARD))
    view = np.empty((1, input_count(PLAYERS)), np.float32)
    rows = np.empty((len(actions), input_count(PLAYERS)), np.float32)
    write_view(state, state["player"] - 1, BOARD.tables, scratch, view[0])
    for row, action in zip(rows, actions, strict=True):
        write_action(state, action, BOARD.tables, work, scratch, trial, row)
    with torch.no_grad():
        of = torch.zeros(len(actions), dtype=torch.int64)
        energies: F32 = network(torch.from_numpy(view), torch.from_numpy(rows), of).numpy()
    return energies


def lowest(output: SearchOutput) -> list[bool]:
    """Whether the action that is played has the lowest energy of all, by position."""
    found = []
    for i, action in enumerate(output.chosen_actions):
        part = slice(output.policy_offsets[i], output.policy_offsets[i + 1])
        own = output.policy_probs[part][output.policy_actions[part] == action]
        found.append(bool(own[0] == output.policy_probs[part].max()))
    return found


def test_the_policy_is_that_of_the_energies_of_the_trained_network() -> None:
    torch.manual_seed(0)
    network = EnergyNetwork(PLAYERS)
    states = positions("square8", PLAYERS, 20, 50)
    output = played(network.weights(), states, restarts=1, steps=1)
    for i in range(len(states)):
        part = slice(output.policy_offsets[i], output.policy_offsets[i + 1])
        energies = trained_energies(network, states[i], output.policy_actions[part].tolist())
        expected = np.exp(energies.min() - energies)
        assert output.policy_probs[part] == pytest.approx(expected / expected.sum(), rel=1e-3)


def test_descents_from_everywhere_play_the_action_of_the_lowest_energy() -> None:
    output = played(random_weights(PLAYERS), positions("square8", PLAYERS, 30, 50), restarts=10_000, steps=0)
    assert all(lowest(output))


def test_descents_find_lower_energies_than_the_actions_where_they_begin() -> None:
    states = positions("square8", PLAYERS, 100, 50)
    weights = random_weights(PLAYERS)
    weights = weights._replace(pair_out=10 * weights.pair_out)  # as steep as energies of trained networks
    at_once = np.mean(lowest(played(weights, states, restarts=2, steps=0)))
    after_all = np.mean(lowest(played(weights, states, restarts=2, steps=50)))
    print(f"the lowest energy is found in {at_once:.0%} of the positions without steps, {after_all:.0%} with 50")
    assert after_all > at_once + 0.15


def test_the_choice_depends_on_seed_and_game_and_not_on_the_batch() -> None:
    states = positions("square8", PLAYERS, 60, 50)
    weights = random_weights(PLAYERS)
    whole = played(weights, states, restarts=1, steps=0).chosen_actions
    part = played(weights, states[20:], restarts=1, steps=0, first=20).chosen_actions
    assert (whole[20:] == part).all()
    assert (whole != played(weights, states, restarts=1, steps=0, seed=1).chosen_actions).any()


def test_what_ends_the_game_is_seen_by_the_player_who_plays_it() -> None:
    states = positions("square8", PLAYERS, 1, 1)
    scratch = new_scratch(BOARD)
    row = np.empty(input_count(PLAYERS), np.float32)
    states[0]["phase"], states[0]["winner"] = 7, 1
    states[0]["credited"][:2] = 5, 0
    seen = []
    for seat in (0, 1):
        write_view(states[0], seat, BOARD.tables, scratch, row)
        seen.append(row[-1])
    assert seen == [1, -1]
