"""Which sample comes when: a shuffle that is computed, and draws by weight."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from ringrift.datasets import BadDataset
from ringrift.datasets.sampler import SequentialSampler, WeightedSampler, shuffled

seeds = st.integers(0, 2**63)
PATHS = [Path("first.npz"), Path("second.npz"), Path("third.npz")]


def weighted(*parts: list[float], seed: int = 1) -> WeightedSampler:
    return WeightedSampler([np.array(part, np.float32) for part in parts], PATHS, seed)


@settings(derandomize=True)
@given(st.integers(1, 3000), st.integers(0, 2**64 - 1))
def test_shuffling_is_a_permutation(count: int, key: int) -> None:
    assert sorted(shuffled(np.uint64(key), place, count) for place in range(count)) == list(range(count))


def test_all_orders_of_a_few_draws_are_as_likely() -> None:
    found = Counter(tuple(shuffled(np.uint64(key * 977), place, 4) for place in range(4)) for key in range(24 * 500))
    assert chisquare([found[order] for order in permutations(range(4))]).pvalue > 0.01


def test_neighbours_end_up_anywhere() -> None:
    count = 10_000
    order = np.array([shuffled(np.uint64(5), place, count) for place in range(count)])
    distances = np.histogram(np.diff(order), bins=np.linspace(-count, count, 21))[0]
    edges = np.linspace(-1, 1, 21)
    expected = np.diff(np.where(edges < 0, (1 + edges) ** 2 / 2, 1 - (1 - edges) ** 2 / 2))
    assert chisquare(distances, expected * distances.sum()).pvalue > 0.01


@settings(derandomize=True, max_examples=30)
@given(
    st.lists(st.integers(1, 900), min_size=1, max_size=3), st.sampled_from([1.0, 0.7, 1e-3, 3e7]), st.integers(0, 99)
)
def test_with_equal_weights_every_sample_comes_once_an_epoch(lengths: list[int], weight: float, seed: int) -> None:
    order, count = weighted(*([weight] * length for length in lengths), seed=seed), sum(lengths)
    epochs = order.samples(0, 3 * count).reshape(3, count)
    assert (np.sort(epochs, axis=1) == np.arange(count)).all()
    assert count < 10 or (epochs[0] != epochs[1]).any()


def test_weights_are_respected_in_every_epoch_and_on_average() -> None:
    draw = np.random.default_rng(2)
    weights = draw.random(1000).astype(np.float32) ** 4
    weights[[3, 500, 999]] = 0
    parts = [weights[:300].tolist(), weights[300:301].tolist(), weights[301:].tolist()]
    expected = weights.astype(float) / weights.sum(dtype=float) * 1000
    drawn = weighted(*parts).samples(0, 200 * 1000).reshape(200, 1000)
    counts = np.array([np.bincount(epoch, minlength=1000) for epoch in drawn])
    assert (np.abs(counts - expected) < 1.001).all()
    assert not counts[:, weights == 0].any()
    assert chisquare(counts.sum(0)[weights > 0], 200 * expected[weights > 0]).pvalue > 0.01


def test_a_sample_with_little_weight_is_drawn_in_its_share_of_the_epochs() -> None:
    epochs = weighted([0.1, 0.35], [0.6, 2.95]).samples(0, 4 * 5000).reshape(5000, 4)
    for sample, share in enumerate([0.1, 0.35, 0.6]):
        drawn = int((epochs == sample).sum())
        assert chisquare([drawn, 5000 - drawn], [5000 * share, 5000 * (1 - share)]).pvalue > 0.01


def test_the_order_depends_on_the_seed_alone() -> None:
    parts = [[1.0] * 700, [2.0] * 50]
    whole = weighted(*parts, seed=4).samples(0, 2000)
    again = weighted(*parts, seed=4)
    assert (np.concatenate([again.samples(first, 20) for first in range(0, 2000, 20)]) == whole).all()
    assert (weighted(*parts, seed=5).samples(0, 2000) != whole).any()


def test_stored_order_goes_round() -> None:
    assert SequentialSampler([2, 3]).samples(3, 5).tolist() == [3, 4, 0, 1, 2]


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_a_weight_that_is_none_is_named(weight: float) -> None:
    with pytest.raises(BadDataset, match=r"second.npz: weights must be numbers from 0 on"):
        weighted([1.0], [1.0, weight])


def test_nothing_can_be_drawn_without_weights() -> None:
    with pytest.raises(BadDataset, match=r"no sample could be drawn"):
        weighted([0.0], [0.0])
