"""What a session asks of a device: as few copies, waits and shapes as the work has, by a device that records them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from ringrift.agents.network_evaluators import GROUPS
from ringrift.encoding import feature_version
from ringrift.game import get_board
from ringrift.game.playout import random_playouts
from ringrift.networks import InferenceSession, ResidualNetwork
from ringrift.networks.inference import DeviceOutOfMemory, InferenceBuffers, Pending
from ringrift.search import CachedEvaluator, GumbelSearch, NetworkEvaluator
from ringrift.search.output import SearchOutput
from tests.networks.recording_queue import RecordingQueue

MakeNetwork = Callable[..., ResidualNetwork]
Question = tuple[Any, Any, Any, Any]


def question(network: ResidualNetwork, rows: int) -> Question:
    """Random features, globals, offsets and actions of some positions."""
    config, draw = network.config, np.random.default_rng(rows)
    size = config.geometry.size
    offsets = np.arange(rows + 1) * 3
    return (
        draw.integers(0, 4, (rows, config.input_planes, size, size), np.uint8),
        draw.random((rows, config.input_globals), np.float32),
        offsets,
        draw.integers(0, 64, offsets[-1]).astype(np.int32),
    )


def begin(session: InferenceSession, asked: Question) -> tuple[InferenceBuffers, Pending]:
    """Begin with a batch as an encoder does, which writes into the session's own memory."""
    features, globals_, offsets, actions = asked
    buffers = session.reserve(len(features), len(actions))
    buffers.features[: len(features)] = features
    buffers.globals[: len(features)] = globals_
    return buffers, session.begin(buffers, len(features), offsets, actions)


@pytest.fixture
def queue() -> RecordingQueue:
    return RecordingQueue()


@pytest.fixture
def session(make_network: MakeNetwork, queue: RecordingQueue) -> InferenceSession:
    return InferenceSession(make_network(), dtype=torch.float32, queue=queue)


@pytest.mark.parametrize("rows", [1, 8, 9, 32, 75])
@pytest.mark.parametrize("board", ["square8", "hex8"])
def test_a_device_with_fixed_sizes_answers_as_the_processor_does(
    make_network: MakeNetwork, board: str, rows: int
) -> None:
    network = make_network(board)
    asked = question(network, rows)
    expected = InferenceSession(network, dtype=torch.float32).evaluate(*asked)
    found = InferenceSession(network, dtype=torch.float32, queue=RecordingQueue()).evaluate(*asked)
    for one, two in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5)


def test_nothing_waits_before_the_answer_is_needed(session: InferenceSession, queue: RecordingQueue) -> None:
    _, result = begin(session, question_of(session, 20))
    assert queue.sizes("wait") == []
    result()
    assert len(queue.sizes("wait")) == 1


def test_batches_that_begin_meanwhile_have_memory_of_their_own(make_network: MakeNetwork) -> None:
    network = make_network()
    session = InferenceSession(network, dtype=torch.float32, queue=RecordingQueue())
    plain = InferenceSession(network, dtype=torch.float32)
    asked = [question(network, rows) for rows in (5, 20, 31)]
    begun = [begin(session, one) for one in asked]
    for (_, result), one in zip(begun, asked, strict=True):
        for found, expected in zip(result(), plain.evaluate(*one), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_memory_is_used_again_once_a_batch_is_over(session: InferenceSession) -> None:
    first, result = begin(session, question_of(session, 20))
    second, _ = begin(session, question_of(session, 20))
    assert second is not first
    result()
    third, _ = begin(session, question_of(session, 18))
    assert third is first


def test_what_is_sent_is_what_the_encoder_has_written_and_nothing_else(
    session: InferenceSession, queue: RecordingQueue
) -> None:
    asked = question_of(session, 20)
    buffers, _ = begin(session, asked)
    assert np.shares_memory(buffers.features, buffers.inputs.features.numpy())
    assert queue.sizes("send") == [sum(part.nbytes for part in asked)]


def test_any_batch_is_one_of_few_shapes_and_each_is_captured_once(
    session: InferenceSession, queue: RecordingQueue
) -> None:
    for rows in (*range(1, 33), *range(33, 70, 7)):
        session.evaluate(*question_of(session, rows))
    assert sorted(queue.sizes("capture")) == [8, 16, 32]
    assert set(queue.sizes("launch")) == {8, 16, 32}


def test_out_of_memory_it_goes_on_with_smaller_batches_and_says_so(
    make_network: MakeNetwork, caplog: pytest.LogCaptureFixture
) -> None:
    network, queue = make_network(), RecordingQueue(room=16)
    session = InferenceSession(network, dtype=torch.float32, queue=queue)
    asked = question(network, 30)
    with caplog.at_level(logging.WARNING):
        found = session.evaluate(*asked)
        again = session.evaluate(*asked)
    expected = InferenceSession(network, dtype=torch.float32).evaluate(*asked)
    for one, two, three in zip(found, again, expected, strict=True):
        np.testing.assert_allclose(one, three, rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(one, two)
    assert [record.message for record in caplog.records] == [
        "cpu: out of memory with 30 positions at once; going on with 15"
    ]


def test_a_device_that_holds_nothing_is_told_in_one_line(make_network: MakeNetwork) -> None:
    session = InferenceSession(make_network(), queue=RecordingQueue(room=0))
    with pytest.raises(DeviceOutOfMemory, match="does not hold 8 positions of tiny at once: choose a smaller network"):
        session.evaluate(*question_of(session, 30))


def searched(
    network: ResidualNetwork, queue: RecordingQueue | None, groups: int
) -> tuple[SearchOutput, CachedEvaluator[NetworkEvaluator]]:
    """The output of a search of 24 positions, and what has evaluated it."""
    board, version = get_board("square8"), feature_version("v2")
    states = random_playouts(board, 2, 24, seed=4, max_moves=9).states
    session = InferenceSession(network, dtype=torch.float32, queue=queue)
    evaluator = CachedEvaluator(NetworkEvaluator(board, 2, version, session), 2)
    return GumbelSearch(board, 2, evaluator, simulations=12, groups=groups, seed=3).run(states), evaluator


def test_a_search_in_groups_beside_a_device_finds_what_it_finds_on_the_processor(make_network: MakeNetwork) -> None:
    network = make_network()
    expected, plain = searched(network, None, 1)
    found, evaluator = searched(network, RecordingQueue(), GROUPS)
    np.testing.assert_array_equal(found.chosen_actions, expected.chosen_actions)
    np.testing.assert_allclose(found.policy_probs, expected.policy_probs, atol=1e-3)
    np.testing.assert_allclose(found.root_values, expected.root_values, atol=1e-4)
    assert evaluator.lookups == plain.lookups


def test_a_device_has_another_batch_to_compute_whenever_one_is_waited_for(make_network: MakeNetwork) -> None:
    queue = RecordingQueue()
    searched(make_network(), queue, GROUPS)
    in_flight, waiting = 0, []
    for call in queue.calls:
        if call.what == "send":
            in_flight += 1
        elif call.what == "wait":
            in_flight -= 1
            waiting.append(in_flight)
    assert in_flight == 0
    drained = 2 * (GROUPS - 1)  # after the roots and at the end all batches are waited for
    assert sum(others < GROUPS - 1 for others in waiting) <= drained + 2 * GROUPS  # some steps find all in the cache
    assert len(waiting) > 4 * drained


def question_of(session: InferenceSession, rows: int) -> Question:
    """Some positions for the network of a session."""
    return question(session._network, rows)
