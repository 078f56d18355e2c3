"""Gumbel search: its table of visits and its completed Q-values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringrift.game import get_board, new_states
from ringrift.search import GumbelSearch
from ringrift.search.gumbel import VALUE_SCALE, VISIT_OFFSET, considered_visits, improved_logits
from ringrift.search.output import SearchOutput
from ringrift.search.tree import EDGE_TYPE, NODE_TYPE, Trees
from tests.search import trees as written

few = settings(derandomize=True, max_examples=60)


# The table of sequential halving


def test_halving_by_hand() -> None:
    """Four actions, eight simulations: each once, then the better two twice more."""
    assert considered_visits(4, 8).tolist() == [0, 0, 0, 0, 1, 1, 2, 2]
    assert considered_visits(1, 3).tolist() == [0, 1, 2]
    assert considered_visits(16, 64).tolist()[:32] == [0] * 16 + [1] * 8 + [2] * 8


@few
@given(st.integers(2, 32), st.integers(1, 300))
def test_every_entry_of_the_table_can_be_served(considered: int, simulations: int) -> None:
    """Whoever is visited next must exist: play the table with the first action that fits."""
    visits = [0] * considered
    for wanted in considered_visits(considered, simulations).tolist():
        assert wanted in visits
        visits[visits.index(wanted)] += 1
    assert sum(visits) == simulations


# Completed Q-values


def one_node(logits: list[float], visits: list[int], values: list[float], own: float) -> Any:
    nodes = np.zeros((1, 1), NODE_TYPE)
    edges = np.zeros((1, len(logits)), EDGE_TYPE)
    nodes[0, 0]["edge_count"] = len(logits)
    nodes[0, 0]["player"] = 2
    nodes[0, 0]["raw_value"][1] = own
    log_prior = np.array(logits) - np.log(np.exp(logits).sum())
    edges[0]["logit"] = log_prior
    edges[0]["prior"] = np.exp(log_prior)
    edges[0]["visits"] = visits
    edges[0]["value_sum"][:, 1] = np.array(values) * visits
    none = np.zeros(1, np.int32)
    return Trees(nodes, new_states(get_board("square8"), 2).reshape(1, 1), edges, none, none, none, none)


def plainly(logits: Any, visits: Any, values: Any, own: float) -> Any:
    """Appendix D of the paper, written down again in numpy."""
    visited = visits > 0
    prior = np.exp(logits)
    mixed = own
    if visited.any():
        weighted = (prior * values)[visited].sum() / prior[visited].sum()
        mixed = (own + visits.sum() * weighted) / (1 + visits.sum())
    completed = np.where(visited, values, mixed)
    return logits + (VISIT_OFFSET + visits.max()) * VALUE_SCALE * completed


@few
@given(st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_improved_logits_are_those_of_the_paper(actions: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    visits = generator.integers(0, 4, actions)
    values = generator.uniform(-1, 1, actions)
    own = float(generator.uniform(-1, 1))
    trees = one_node(generator.normal(size=actions).tolist(), visits.tolist(), values.tolist(), own)
    scores = np.zeros(actions)
    improved_logits(trees.nodes[0], trees.edges[0], 0, int(trees.nodes[0, 0]["edge_count"]), scores)
    expected = plainly(trees.edges[0]["logit"].astype(float), visits, values, own)
    assert scores - scores.max() == pytest.approx(expected - expected.max(), abs=1e-4)


@few
@given(st.integers(2, 12), st.integers(0, 2**32 - 1))
def test_the_improved_policy_improves_on_bandits(actions: int, seed: int) -> None:
    """With every action's value known, the improved policy expects no less than the prior."""
    generator = np.random.default_rng(seed)
    values = generator.uniform(-1, 1, actions)
    trees = one_node(generator.normal(size=actions).tolist(), [1] * actions, values.tolist(), 0.0)
    scores = np.zeros(actions)
    improved_logits(trees.nodes[0], trees.edges[0], 0, int(trees.nodes[0, 0]["edge_count"]), scores)
    improved = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
    prior = np.exp(trees.edges[0]["logit"].astype(float))
    assert improved @ values >= prior @ values - 1e-6


# Whole searches


def bandits(count: int, actions: int) -> Any:
    """Roots at which seat 1 chooses and the game is over; what the roots think of themselves is right."""
    table = written.grow(3, count, depth=1, children=(actions, actions))
    table["player"][:count] = 1
    for root in range(count):
        legal = table["children"][root] >= 0
        prior = np.exp(table["logits"][root][legal])
        table["worth"][root] = np.average(table["worth"][table["children"][root][legal]], weights=prior)
    return table


def searched(table: Any, nodes: Any, **settings: Any) -> SearchOutput:
    search = GumbelSearch(written.adapter(table), 2, written.TableEvaluator(table), seed=4, **settings)
    return search.run(written.positions(table, nodes))


def test_the_policy_improves_wherever_every_action_was_tried() -> None:
    table = bandits(300, 9)
    output = searched(table, np.arange(300), simulations=20)
    assert (output.visits > 0).all()
    actions = output.policy_actions.reshape(300, 9)
    worths = table["worth"][np.take_along_axis(table["children"][:300], actions, axis=1)]
    gains = (output.policy_probs.reshape(300, 9) * worths).sum(axis=1) - table["worth"][:300]
    assert gains.min() > 0


@pytest.mark.parametrize(("simulations", "considered"), [(1, 1), (2, 2), (4, 4), (16, 8)])
def test_the_chosen_action_improves_however_few_are_tried(simulations: int, considered: int) -> None:
    """The paper's promise for the mean over the noise: no worse than the prior, and better with two actions or more."""
    count, draws = 20, 1000
    table = bandits(count, 18)
    nodes = np.repeat(np.arange(count), draws)
    output = searched(table, nodes, simulations=simulations, max_considered_actions=considered)
    worths = table["worth"][table["children"][nodes, output.chosen_actions]].reshape(count, draws)
    gains = worths.mean(axis=1) - table["worth"][:count]
    errors = worths.std(axis=1) / draws**0.5
    if considered == 1:
        assert np.abs(gains / errors).max() < 4, "one action is a sample of the prior"
    else:
        assert (gains / errors).min() > 4


def test_equal_values_leave_the_prior() -> None:
    """Sums of 0.9 are not exact: what the rounding leaves of a difference must not be blown up to one."""
    table = written.grow(1, 100, depth=6, ends=0)
    table["worth"] = 0.9
    output = searched(table, np.arange(100), simulations=64, noise=False)
    for game in range(100):
        mine = slice(output.policy_offsets[game], output.policy_offsets[game + 1])
        prior = np.exp(table["logits"][game, output.policy_actions[mine]])
        assert output.policy_probs[mine] == pytest.approx(prior / prior.sum(), abs=1e-3)
