"""Images and policies of a turned board are the turned images and policies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from ringrift.encoding import encode_batch, feature_version, new_batch, symmetries, transform_rows
from ringrift.game import configs, get_board, policy_size
from tests.encoding.positions import (
    any_config,
    any_version,
    encode,
    few,
    random_position,
    random_states,
    rewritten,
    seeds,
)


@few
@given(any_config, any_version, seeds)
def test_a_turned_position_has_the_turned_image(config: tuple[str, int], version: str, seed: int) -> None:
    game = random_position(*config, seed)
    tables = symmetries(game.board, game.players)
    plain = encode(game, version)
    for symmetry in range(len(tables)):
        turned = encode(rewritten(game, symmetry=symmetry), version)
        assert (tables.transform_image(plain.features, symmetry) == turned.features).all()
        assert (encode(game, version, symmetry).features == turned.features).all()
        assert (plain.values == turned.values).all()


@pytest.mark.parametrize(("board", "players"), configs())
def test_every_symmetry_can_be_taken_back(board: str, players: int) -> None:
    geometry = get_board(board)
    tables = symmetries(geometry, players)
    assert len(tables) == (12 if geometry.hexagonal else 8)
    pixels = np.arange(geometry.size**2).reshape(geometry.size, geometry.size)
    legal = random_position(board, players, seed=1).legal_actions()
    policy = np.zeros(policy_size(geometry), np.float32)
    policy[legal] = np.arange(1, len(legal) + 1)
    for symmetry in range(len(tables)):
        back = int(tables.inverse[symmetry])
        assert (tables.transform_image(tables.transform_image(pixels, symmetry), back) == pixels).all()
        turned = tables.transform_actions(legal, symmetry)
        assert (tables.transform_actions(turned, back) == legal).all()
        assert (tables.transform_policy(policy, symmetry)[turned] == policy[legal]).all()
        assert (tables.transform_policy(tables.transform_policy(policy, symmetry), back) == policy).all()


@pytest.mark.parametrize(("board", "players"), [("square8", 2), ("hex8", 3)])
def test_a_batch_is_transformed_row_by_row(board: str, players: int) -> None:
    version, geometry = feature_version("v2"), get_board(board)
    tables = symmetries(geometry, players)
    states = random_states(board, players)
    plain, values = new_batch(version, geometry, len(states))
    direct, _ = new_batch(version, geometry, len(states))
    chosen = np.arange(len(states), dtype=np.int32) % len(tables)
    encode_batch(states, version, geometry, plain, values)
    encode_batch(states, version, geometry, direct, values, symmetries=chosen)
    turned = np.full_like(plain, 255)
    shape = (len(states), len(version.planes), -1)
    transform_rows(plain.reshape(shape), tables.gather, chosen, 0, len(states), turned.reshape(shape))
    assert (turned == direct).all()
