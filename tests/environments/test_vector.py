"""Many games at once are the same games as one by one."""

from __future__ import annotations

import numpy as np
import pytest

from ringrift.encoding import encode_batch, feature_version, new_batch
from ringrift.environments import VectorEnvironment, VectorObservation
from ringrift.game import Game, IllegalAction, configs

GAMES = 5


def any_legal(observation: VectorObservation, generator: np.random.Generator) -> np.ndarray:
    """A random legal action in every game."""
    return (generator.random(observation.action_mask.shape) * observation.action_mask).argmax(1)


def check(observation: VectorObservation, games: list[Game]) -> None:
    """The observation is that of these games."""
    for index, game in enumerate(games):
        assert np.flatnonzero(observation.action_mask[index]).tolist() == sorted(game.legal_actions().tolist())
        assert observation.players[index] == game.player
        features, globals = new_batch(feature_version("v2"), game.board, 1)
        encode_batch(game.array.reshape(1), feature_version("v2"), game.board, features, globals)
        assert np.array_equal(observation.features[index], features[0])
        assert np.array_equal(observation.globals[index], globals[0])


@pytest.mark.parametrize(("board", "players"), configs())
def test_every_game_goes_the_way_that_it_goes_alone(board: str, players: int) -> None:
    env = VectorEnvironment(f"{board}_{players}p", GAMES, max_moves=20)
    generator = np.random.default_rng(1)
    games = [Game(board, players, max_moves=20) for _ in range(GAMES)]
    observation = env.reset()
    for _ in range(30):
        check(observation, games)
        actions = any_legal(observation, generator)
        step = env.step(actions)
        for index, action in enumerate(actions.tolist()):
            games[index].play(action)
            assert step.truncated[index] == games[index].is_over
            if games[index].is_over:
                games[index] = Game(board, players, max_moves=20)
        observation = step.observation
    check(observation, games)


def test_games_that_are_won_are_rewarded_and_begin_anew() -> None:
    env = VectorEnvironment("square8_3p", 8)
    observation = env.reset()
    generator = np.random.default_rng(0)
    won = 0
    for _ in range(500):
        step = env.step(any_legal(observation, generator))
        observation = step.observation
        assert not step.rewards[~step.terminated].any()
        assert not step.truncated.any()
        for rewards, players in zip(step.rewards[step.terminated], observation.players[step.terminated], strict=True):
            won += 1
            assert rewards.max() == 1
            assert rewards.sum() == 0
            assert players == 1
    assert won > 3


def test_the_number_of_threads_changes_nothing() -> None:
    one, three = (VectorEnvironment("hex8_2p", 200, threads=threads) for threads in (1, 3))
    generator = np.random.default_rng(0)
    observation = one.reset()
    three.reset()
    for _ in range(10):
        actions = any_legal(observation, generator)
        observation = one.step(actions).observation
        other = three.step(actions).observation
        assert np.array_equal(observation.features, other.features)
        assert np.array_equal(observation.action_mask, other.action_mask)


@pytest.mark.parametrize("illegal", [-1, 400, 10**6])
def test_an_illegal_action_is_refused_and_no_game_moves(illegal: int) -> None:
    env = VectorEnvironment("hex8_2p", 3)
    actions = any_legal(env.reset(), np.random.default_rng(0))
    before = env.states.copy()
    actions[1] = illegal
    with pytest.raises(IllegalAction, match=f"action {illegal} is not legal in game 1"):
        env.step(actions)
    assert np.array_equal(env.states, before)


@pytest.mark.parametrize("actions", [[0, 0], [0.5, 0.5, 0.5], [[0], [0], [0]]])
def test_actions_of_another_shape_or_kind_are_refused(actions: object) -> None:
    with pytest.raises(ValueError, match="`actions` must be 3 whole numbers"):
        VectorEnvironment("hex8_2p", 3).step(actions)
