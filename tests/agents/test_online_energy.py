"""The energy player that learns from its games: what it keeps, that it goes on, and where it is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ringrift.agents import Agent, BadSpec, make_agent
from ringrift.agents.online_energy import DISCOUNT, GAMES, LAMBDA, OnlineEnergyAgent, decision_weights
from ringrift.energy import BadEnergyNetwork, read_energy_network, write_energy_network
from ringrift.evaluation import MatchPlan, make_players, play_match
from ringrift.game import Game, get_board
from ringrift.play.session import Session
from tests.energy.networks import random_weights

CONFIG = "square8_2p"


@pytest.fixture
def network(tmp_path: Path) -> Path:
    write_energy_network(tmp_path / "base.ebmo", CONFIG, random_weights(2))
    return tmp_path / "base.ebmo"


def learner(network: Path, learned: str = "learned.ebmo") -> OnlineEnergyAgent:
    spec = f"ebmo:{network}?restarts=1&steps=1&online={network.with_name(learned)}"
    made: Agent = make_agent(spec, get_board("square8"), 2, may_learn=True)
    assert isinstance(made, OnlineEnergyAgent)
    return made


def random_game(seed: int) -> np.ndarray:
    """The actions of a game of random moves."""
    game, rng = Game("square8", 2), np.random.default_rng(seed)
    while not game.is_over:
        game.play(int(rng.choice(game.legal_actions())))
    return np.array(game.actions, np.int32)


def same(one: OnlineEnergyAgent, other: OnlineEnergyAgent) -> bool:
    return all((a == b).all() for a, b in zip(one.weights, other.weights, strict=True))


def test_every_game_changes_the_network_and_is_kept(network: Path) -> None:
    agent, before = learner(network), learner(network)
    agent.learn(0, random_game(1))
    stored = read_energy_network(network.with_name("learned.ebmo"), CONFIG)
    assert not same(agent, before)
    assert all((a == b).all() for a, b in zip(agent.weights, stored.weights, strict=True))
    assert stored.extra["online"]["games"] == 1
    assert read_energy_network(network).extra == {}, "the network that it began with stays as it is"


def test_a_new_process_goes_on_with_what_was_learned(network: Path) -> None:
    agent = learner(network)
    for seed in range(GAMES + 2):
        agent.learn(seed, random_game(seed))
    again = learner(network)
    assert same(again, agent)
    assert (again.games, len(again.buffer)) == (GAMES + 2, GAMES)
    assert again.buffer[-1] == random_game(GAMES + 1).tolist()


def test_two_players_of_one_file_learn_from_the_games_of_both(network: Path) -> None:
    one, other = learner(network), learner(network)
    one.learn(0, random_game(0))
    other.learn(0, random_game(1))
    assert read_energy_network(network.with_name("learned.ebmo")).extra["online"]["games"] == 2


def test_late_decisions_of_the_winner_weigh_most() -> None:
    weights = decision_weights([0, 1, 0, 0], [1.0, -1.0])
    np.testing.assert_allclose(weights, [(DISCOUNT * LAMBDA) ** 2, 0, DISCOUNT * LAMBDA, 1])


def test_it_learns_in_a_match_and_at_the_board(network: Path) -> None:
    spec = f"ebmo:{network}?restarts=1&steps=1&online={network.with_name('learned.ebmo')}"
    plan = MatchPlan(CONFIG, (spec, "random"), openings=2, opening_plies=8, max_moves=500)
    finished = sum(game.winner is not None for game in play_match(make_players(plan), plan))
    assert finished > 0
    session = Session(Game("square8", 2), (spec, "random"))
    list(session.run_on())
    kept = read_energy_network(network.with_name("learned.ebmo")).extra["online"]
    assert kept["games"] == finished + 1
    assert kept["buffer"][-1] == list(session.game.actions)


@pytest.mark.parametrize("form", ["{}", "mixed:random,{}"])
def test_it_is_refused_where_results_can_be_repeated(network: Path, form: str) -> None:
    spec = form.format(f"ebmo:{network}?online={network.with_name('learned.ebmo')}")
    with pytest.raises(BadSpec, match="learns from its games, so that no result of it could be repeated"):
        make_agent(spec, get_board("square8"), 2)


def test_what_it_has_learned_is_a_player_like_others(network: Path) -> None:
    learner(network).learn(0, random_game(0))
    make_agent(f"ebmo:{network.with_name('learned.ebmo')}", get_board("square8"), 2)


@pytest.mark.parametrize("online", ["base.ebmo", "learned.pth"])
def test_what_is_learned_needs_a_file_of_its_own(network: Path, online: str) -> None:
    with pytest.raises(BadSpec, match=r"a file \*\.ebmo of its own"):
        learner(network, online)


def test_a_file_of_another_network_is_refused(network: Path) -> None:
    learner(network).learn(0, random_game(0))
    write_energy_network(network, CONFIG, random_weights(2, seed=1))
    with pytest.raises(BadEnergyNetwork, match="name another file"):
        learner(network)
