"""A batch is nothing but its rows, however it is put together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringrift.encoding import FEATURE_VERSIONS, encode_batch, feature_version, new_batch
from ringrift.game import Game, configs, get_board
from tests.encoding.positions import encode, few, random_states


@pytest.mark.parametrize("version", FEATURE_VERSIONS)
@pytest.mark.parametrize(("board", "players"), configs())
def test_a_batch_holds_what_single_states_give_and_nothing_of_earlier_ones(
    board: str, players: int, version: str
) -> None:
    chosen, geometry = feature_version(version), get_board(board)
    states = random_states(board, players)
    features, values = new_batch(chosen, geometry, len(states) + 1)
    features[:], values[:] = 255, np.nan
    assert encode_batch(states, chosen, geometry, features, values, threads=1) == len(states)
    for row in range(0, len(states), 7):
        game = Game(board, players)
        game._start(states[row : row + 1])
        single = encode(game, version)
        assert (features[row] == single.features).all()
        assert (values[row] == single.values).all()
    assert (features[-1] == 255).all()
    assert np.isnan(values[-1]).all()


@few
@given(st.sampled_from(["square8", "hexagonal"]), st.data())
def test_rows_and_symmetries_are_picked_one_by_one(board: str, data: st.DataObject) -> None:
    chosen, geometry = feature_version("v2"), get_board(board)
    states = random_states(board, 3)
    rows = data.draw(st.lists(st.integers(0, len(states) - 1), max_size=8))
    symmetries = data.draw(
        st.lists(st.integers(0, len(geometry.symmetries) - 1), min_size=len(rows), max_size=len(rows))
    )
    features, values = new_batch(chosen, geometry, 8)
    encode_batch(
        states,
        chosen,
        geometry,
        features,
        values,
        rows=np.array(rows, np.int32),
        symmetries=np.array(symmetries, np.int32),
    )
    for i, (row, symmetry) in enumerate(zip(rows, symmetries, strict=True)):
        game = Game(board, 3)
        game._start(states[row : row + 1])
        single = encode(game, "v2", symmetry)
        assert (features[i] == single.features).all()
        assert (values[i] == single.values).all()


@pytest.mark.parametrize("version", FEATURE_VERSIONS)
@pytest.mark.parametrize("board", ["hex8", "square19"])
def test_the_number_of_threads_changes_nothing(board: str, version: str) -> None:
    chosen, geometry = feature_version(version), get_board(board)
    states = random_states(board, 4)
    one, three = (new_batch(chosen, geometry, len(states)) for _ in range(2))
    encode_batch(states, chosen, geometry, *one, threads=1)
    encode_batch(states, chosen, geometry, *three, threads=3)
    assert (one[0] == three[0]).all()
    assert (one[1] == three[1]).all()


def test_encoding_leaves_the_states_alone() -> None:
    chosen, geometry = feature_version("v2"), get_board("square8")
    states = random_states("square8", 2).copy()
    before = states.tobytes()
    encode_batch(states, chosen, geometry, *new_batch(chosen, geometry, len(states)))
    assert states.tobytes() == before


def test_arrays_that_do_not_fit_are_refused() -> None:
    chosen, geometry = feature_version("v1"), get_board("hex8")
    states = random_states("hex8", 2)
    features, values = new_batch(chosen, geometry, len(states))
    for bad_features, bad_values in (
        (features[:-1], values),
        (features[::2], values),
        (features.astype(np.float32), values),
        (features, values.astype(np.float64)),
        (features, values[:, :-1]),
    ):
        with pytest.raises(ValueError, match="must be a contiguous"):
            encode_batch(states, chosen, geometry, bad_features, bad_values)
    with pytest.raises(ValueError, match="1 symmetries"):
        encode_batch(states, chosen, geometry, features, values, symmetries=np.zeros(1, np.int32))
    with pytest.raises(IndexError, match="rows"):
        encode_batch(states, chosen, geometry, features, values, rows=np.array([len(states)], np.int32))
    with pytest.raises(IndexError, match="symmetries"):
        encode_batch(states[:1], chosen, geometry, features, values, symmetries=np.array([12], np.int32))
