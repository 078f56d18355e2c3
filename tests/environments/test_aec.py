"""The PettingZoo environment: PettingZoo's own API test passes, and the games are those of the rules."""

from __future__ import annotations

import numpy as np
import pytest
from pettingzoo.test import api_test

from ringrift.environments import RingRiftEnv
from ringrift.game import Game, IllegalAction, configs

# PettingZoo has a list of its own environments whose observations are dictionaries, and advises all others against it.
dictionaries = pytest.mark.filterwarnings(
    "ignore:Observation is not a NumPy array", "ignore:Observation space for each agent probably should be"
)


def play(env: RingRiftEnv, seed: int) -> dict[str, float]:
    """Play a random game; what each agent got."""
    env.reset()
    generator = np.random.default_rng(seed)
    rewards = dict.fromkeys(env.possible_agents, 0.0)
    for agent in env.agent_iter():
        observation, reward, terminated, truncated, _ = env.last()
        rewards[agent] += reward
        over = terminated or truncated
        env.step(None if over else int(generator.choice(np.flatnonzero(observation["action_mask"]))))
    assert env.agents == []
    return rewards


@dictionaries
@pytest.mark.parametrize(("board", "players"), configs())
def test_pettingzoos_api_test_passes(board: str, players: int) -> None:
    api_test(RingRiftEnv(f"{board}_{players}p"), num_cycles=60)


@dictionaries
@pytest.mark.parametrize("config", ["square8_2p", "hex8_3p"])
def test_pettingzoos_api_test_passes_over_whole_games(config: str) -> None:
    api_test(RingRiftEnv(config, max_moves=300), num_cycles=800)


@pytest.mark.parametrize(("config", "values"), [("square8_2p", [1, -1]), ("hex8_3p", [1, 0, -1])])
def test_a_game_that_is_won_rewards_the_ranks(config: str, values: list[float]) -> None:
    env = RingRiftEnv(config)
    rewards = play(env, seed=3)
    result = env.game.result()
    assert result.ranks is not None
    assert [rewards[f"player_{seat}"] for seat in np.argsort(result.ranks) + 1] == values
    assert all(env.terminations[agent] for agent in env.agents)


def test_a_game_that_is_stopped_is_truncated_and_worth_nothing() -> None:
    env = RingRiftEnv("hex8_2p", max_moves=5)
    assert set(play(env, seed=0).values()) == {0.0}
    assert env.game.result().plies == 5


def test_the_mask_has_the_legal_actions_of_the_agent_to_act_alone() -> None:
    env = RingRiftEnv("square8_3p")
    env.reset()
    assert np.flatnonzero(env.observe("player_1")["action_mask"]).tolist() == sorted(env.game.legal_actions().tolist())
    assert not env.observe("player_2")["action_mask"].any()


@pytest.mark.parametrize("action", [0, -1, 10**9, None])
def test_an_illegal_action_is_refused_in_words(action: int | None) -> None:
    env = RingRiftEnv("square8_2p")
    env.reset()
    env.step(int(env.game.legal_actions()[0]))
    with pytest.raises(IllegalAction, match="action"):
        env.step(action)


def test_an_agent_that_acts_again_keeps_the_turn() -> None:
    """A turn is several actions: placement, movement, lines, territory."""
    env = RingRiftEnv("square8_2p", render_mode="ansi")
    env.reset()
    agents = []
    for _ in range(4):
        agents.append(env.agent_selection)
        env.step(int(env.game.legal_actions()[-1]))
    assert agents[:2] == ["player_1"] * 2
    same = Game("square8")
    for action in env.game.actions:
        same.play(action)
    assert env.render() == str(same)
