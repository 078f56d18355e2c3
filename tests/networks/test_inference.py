from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from ringrift.game import policy_size
from ringrift.game.actions import SCALAR_ACTIONS
from ringrift.networks import InferenceSession, inference_type


@pytest.fixture
def make_question(make_inputs):
    """Features, globals, offsets and actions of positions; the first has no legal action, the others up to 40."""

    def make(config, batch):
        features, globals_ = (tensor.numpy() for tensor in make_inputs(config, batch))
        draw = np.random.default_rng(5)
        size = policy_size(config.geometry)
        counts = draw.integers(1, 41, batch)
        counts[0] = 0
        offsets = np.concatenate([[0], counts.cumsum()])
        actions = draw.integers(0, size, offsets[-1]).astype(np.int32)
        actions[::7] = size - SCALAR_ACTIONS + draw.integers(0, SCALAR_ACTIONS, len(actions[::7]))
        return features, globals_, offsets, actions

    return make


def first_rows(question, rows):
    features, globals_, offsets, actions = question
    return features[:rows], globals_[:rows], offsets[: rows + 1], actions[: offsets[rows]]


@pytest.mark.parametrize("board", ["square8", "square19", "hex8", "hexagonal"])
def test_logits_of_legal_actions_are_those_of_the_whole_policy(make_network, make_question, board):
    network = make_network(board, 3)
    question = make_question(network.config, 5)
    features, globals_, offsets, actions = question
    logits, values = InferenceSession(network, dtype=torch.float32).evaluate(*question)
    with torch.inference_mode():
        policy, expected = network(torch.from_numpy(features), torch.from_numpy(globals_))
    rows = np.repeat(np.arange(5), np.diff(offsets))
    assert logits.dtype == values.dtype == np.float32
    np.testing.assert_allclose(logits, policy.numpy()[rows, actions], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(values, expected.numpy(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_same_batch_gives_the_same_answer(make_network, make_question, dtype):
    network = make_network(architecture="small")
    question = make_question(network.config, 21)
    evaluator = InferenceSession(network, dtype=dtype)
    for one, two in zip(evaluator.evaluate(*question), evaluator.evaluate(*question), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("rows", [1, 2, 17])
def test_a_row_does_not_depend_on_its_batch(make_network, make_question, rows):
    network = make_network("hex8", architecture="small")
    question = make_question(network.config, 40)
    evaluator = InferenceSession(network, dtype=torch.float32)
    logits, values = evaluator.evaluate(*question)
    some_logits, some_values = evaluator.evaluate(*first_rows(question, rows))
    np.testing.assert_allclose(some_logits, logits[: len(some_logits)], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(some_values, values[:rows], rtol=1e-5, atol=1e-5)


def test_batches_above_the_limit_are_split(make_network, make_question):
    network = make_network()
    question = make_question(network.config, 40)
    whole = InferenceSession(network, dtype=torch.float32).evaluate(*question)
    split = InferenceSession(network, dtype=torch.float32, max_batch=16).evaluate(*question)
    for one, two in zip(whole, split, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-5)


def test_an_empty_batch_has_an_empty_answer(make_network, make_question):
    network = make_network(players=4)
    question = first_rows(make_question(network.config, 2), 0)
    logits, values = InferenceSession(network).evaluate(*question)
    assert logits.shape == (0,)
    assert values.shape == (0, 4)


@pytest.mark.parametrize("board", ["square8", "hex8"])
def test_bfloat16_agrees_with_float32(make_network, make_question, board):
    network = make_network(board, architecture="small")
    question = make_question(network.config, 16)
    exact, exact_values = InferenceSession(network, dtype=torch.float32).evaluate(*question)
    rough, rough_values = InferenceSession(network, dtype=torch.bfloat16).evaluate(*question)
    # A dozen roundings to 8 bits in a row: a few hundredths of how far logits differ from each other.
    np.testing.assert_allclose(rough, exact, atol=0.05 * exact.std() + 0.01 * np.abs(exact).max())
    np.testing.assert_allclose(rough_values, exact_values, atol=0.03)


def test_the_network_may_go_on_learning(make_network, make_question):
    network = make_network()
    question = make_question(network.config, 3)
    evaluator = InferenceSession(network)
    before = evaluator.evaluate(*question)[0]
    with torch.no_grad():
        for weight in network.parameters():
            weight.zero_()
    np.testing.assert_array_equal(evaluator.evaluate(*question)[0], before)


def test_the_network_can_be_captured_whole_for_any_batch(make_network, make_question, monkeypatch):
    # As `torch.compile` sees it, without the C++ compiler that its default backend needs.
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager", fullgraph=True))
    network = make_network("hex8")
    evaluator = InferenceSession(network, dtype=torch.float32, compiled=True)
    plain = InferenceSession(network, dtype=torch.float32)
    question = make_question(network.config, 40)
    for rows in (40, 10):
        some = first_rows(question, rows)
        for one, two in zip(evaluator.evaluate(*some), plain.evaluate(*some), strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-5)


def test_arrays_that_do_not_fit_are_refused(make_network, make_question):
    network = make_network()
    evaluator = InferenceSession(network)
    features, globals_, offsets, actions = make_question(network.config, 3)
    with pytest.raises(ValueError, match="features are float32"):
        evaluator.evaluate(features.astype(np.float32), globals_, offsets, actions)
    with pytest.raises(ValueError, match="globals are"):
        evaluator.evaluate(features, globals_[:2], offsets, actions)
    with pytest.raises(ValueError, match="offsets are"):
        evaluator.evaluate(features, globals_, offsets[:2], actions)
    with pytest.raises(ValueError, match="actions are"):
        evaluator.evaluate(features, globals_, offsets, actions[:-1])


def test_the_type_for_inference_is_one_that_the_processor_multiplies(monkeypatch):
    for flags, expected in (
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True}, torch.bfloat16),
        ({"avx2": True, "avx512_bf16": False}, torch.float32),
    ):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda flags=flags: flags)
        assert inference_type(torch.device("cpu")) is expected
