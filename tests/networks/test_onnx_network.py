"""Networks by ONNX Runtime against the same networks by torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from onnxruntime.capi.onnxruntime_pybind11_state import Fail

from ringrift.game import policy_size
from ringrift.game.actions import SCALAR_ACTIONS
from ringrift.networks import ARCHITECTURES, InferenceSession
from ringrift.networks.onnx_network import ROWS_PER_THREAD

BOUND = 1e-5
"""What logits and values may differ by, in units of the largest, at least 1; measured: 7e-7 at most."""


@pytest.fixture
def one_thread():
    """torch with one thread, and as many as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def question(make_inputs, config, rows):
    features, globals_ = (tensor.numpy() for tensor in make_inputs(config, rows))
    draw = np.random.default_rng(5)
    counts = draw.integers(0, 30, rows)
    offsets = np.concatenate([[0], counts.cumsum()])
    size = policy_size(config.geometry)
    actions = draw.integers(0, size, offsets[-1]).astype(np.int32)
    actions[::7] = size - SCALAR_ACTIONS + draw.integers(0, SCALAR_ACTIONS, len(actions[::7]))
    return features, globals_, offsets, actions


def first_rows(asked, rows):
    features, globals_, offsets, actions = asked
    return features[:rows], globals_[:rows], offsets[: rows + 1], actions[: offsets[rows]]


def by_torch(network, asked):
    """The whole policy and the values of the network itself, norms and all, at the legal actions."""
    features, globals_, offsets, actions = asked
    with torch.inference_mode():
        policy, values = network(torch.from_numpy(features), torch.from_numpy(globals_))
    return policy.numpy()[np.repeat(np.arange(len(features)), np.diff(offsets)), actions], values.numpy()


def assert_close(answer, expected):
    for one, two in zip(answer, expected, strict=True):
        np.testing.assert_allclose(one, two, rtol=0, atol=BOUND * max(1, np.abs(two).max()))


@pytest.mark.parametrize("architecture", [*ARCHITECTURES, "tiny"])
@pytest.mark.parametrize("board", ["square8", "hex8"])
def test_every_architecture_answers_as_in_torch(make_network, make_inputs, architecture, board):
    network = make_network(board, architecture=architecture)
    asked = question(make_inputs, network.config, 3)
    session = InferenceSession(network, dtype=torch.float32)
    assert session._onnx is not None
    assert_close(session.evaluate(*asked), by_torch(network, asked))


@pytest.mark.parametrize("capability", ["AVX2", "AVX512", "DEFAULT"])
def test_planes_are_filled_up_for_every_processor(make_network, make_inputs, monkeypatch, capability):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    network = make_network()
    asked = question(make_inputs, network.config, 3)
    assert_close(InferenceSession(network, dtype=torch.float32).evaluate(*asked), by_torch(network, asked))


@pytest.mark.parametrize("board", ["square19", "hexagonal"])
@pytest.mark.parametrize("players", [3, 4])
def test_large_boards_and_more_players_answer_as_in_torch(make_network, make_inputs, board, players):
    network = make_network(board, players)
    asked = question(make_inputs, network.config, 3)
    assert_close(InferenceSession(network, dtype=torch.float32).evaluate(*asked), by_torch(network, asked))


def test_what_lies_outside_the_board_does_not_matter(make_network, make_inputs):
    network = make_network("hex8")
    session = InferenceSession(network, dtype=torch.float32)
    features, *rest = question(make_inputs, network.config, 4)
    outside = network.stem.mask.cells.numpy()[0, 0] == 0
    other = features.copy()
    other[:, :, outside] = 200
    for one, two in zip(session.evaluate(features, *rest), session.evaluate(other, *rest), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("board", ["square8", "hex8"])
def test_a_row_answers_the_same_in_every_batch(make_network, make_inputs, board, one_thread):
    network = make_network(board, architecture="small")
    asked = question(make_inputs, network.config, 64)
    session = InferenceSession(network, dtype=torch.float32)
    assert session.max_batch < 64, "the largest batch is split"
    logits, values = session.evaluate(*asked)
    assert_close((logits, values), by_torch(network, asked))
    for rows in range(1, 64):
        some_logits, some_values = session.evaluate(*first_rows(asked, rows))
        np.testing.assert_array_equal(some_logits, logits[: len(some_logits)])
        np.testing.assert_array_equal(some_values, values[:rows])


def test_threads_change_no_answer(make_network, make_inputs, one_thread):
    network = make_network("hex8", architecture="v2")
    asked = question(make_inputs, network.config, 9)
    alone = InferenceSession(network, dtype=torch.float32)
    torch.set_num_threads(2)
    shared = InferenceSession(network, dtype=torch.float32)
    assert shared.max_batch == 2 * alone.max_batch
    for one, two in zip(alone.evaluate(*asked), shared.evaluate(*asked), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_batch_that_the_memory_does_not_hold_is_halved(make_network, make_inputs, monkeypatch, one_thread):
    network = make_network()
    session = InferenceSession(network, dtype=torch.float32)
    asked = question(make_inputs, network.config, 20)
    expected = session.evaluate(*asked)
    run, sizes = session._onnx._session.run, []

    class Small:
        def run(self, names, inputs):
            sizes.append(len(inputs["features"]))
            if sizes[-1] > 8:
                raise Fail("Failed to allocate memory for requested buffer of size 47316992")
            return run(names, inputs)

    monkeypatch.setattr(session._onnx, "_session", Small())
    for one, two in zip(session.evaluate(*asked), expected, strict=True):
        np.testing.assert_array_equal(one, two)
    assert sizes == [20, 10, 5, 5, 5, 5]


def test_other_errors_of_the_runtime_are_not_taken_for_a_lack_of_memory(make_network, make_inputs):
    network = make_network()
    session = InferenceSession(network, dtype=torch.float32)
    features, globals_, offsets, actions = question(make_inputs, network.config, 2)
    with pytest.raises(Exception, match="Got invalid dimensions"):
        session._onnx.evaluate(features[:, :3], globals_, offsets, actions)
    assert session.max_batch == ROWS_PER_THREAD * torch.get_num_threads()
