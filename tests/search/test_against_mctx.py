"""Our trees beside those of mctx, DeepMind's searches in JAX, on random trees: equal visits, equal values.

Where the two differ on purpose, mctx is told to do as we do, and what it is told says what the difference is:

- Forced actions are played on the way to a node here; mctx visits them. It gets the trees without them.
- PUCT: see `as_ours`.

Values count for seat 1 in the table and for who decides in mctx, where a discount of −1 turns them and one of 0 ends
the game. mctx computes in 64 bits here, so that no near tie is decided by its rounding.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import mctx
import numpy as np
import pytest

from ringrift.search import GumbelSearch, PuctSearch, gumbel
from ringrift.search.output import SearchOutput
from ringrift.search.puct import EXPLORATION_BASE, EXPLORATION_START, FIRST_PLAY_REDUCTION
from tests.search import trees

pytestmark = pytest.mark.slow

TREES = 64


class Tables(NamedTuple):
    """What mctx knows of the trees, `[nodes, …]`, worths as those who decide see them."""

    children: Any
    players: Any
    worths: Any
    over: Any
    logits: Any


def tables(table: Any) -> Tables:
    """The table without its forced actions."""
    children = table["children"].copy()
    legal = children >= 0
    counts = legal.sum(axis=1)
    for node, action in np.argwhere(legal):
        while counts[children[node, action]] == 1:
            children[node, action] = children[children[node, action]].max()
    return Tables(
        children=jnp.asarray(children),
        players=jnp.asarray(table["player"]),
        worths=jnp.asarray(np.where(table["player"] == 1, 1.0, -1.0) * table["worth"]),
        over=jnp.asarray(counts == 0),
        logits=jnp.asarray(np.where(legal, table["logits"].astype(np.float64), np.finfo(np.float64).min)),
    )


def follow(known: Tables, key: Any, action: Any, node: Any) -> tuple[mctx.RecurrentFnOutput, Any]:
    """An action in mctx's terms: it goes on below the end of a game, where nothing is worth anything."""
    after = jnp.where(known.over[node], node, known.children[node, action])
    turn = jnp.where(known.players[node] == known.players[after], 1.0, -1.0)
    ends = known.over[after]
    output = mctx.RecurrentFnOutput(
        reward=jnp.where(ends & ~known.over[node], turn * known.worths[after], 0.0),
        discount=jnp.where(ends, 0.0, turn),
        prior_logits=known.logits[after],
        value=jnp.where(ends, 0.0, known.worths[after]),
    )
    return output, after


def ask_mctx(policy: Any, table: Any, **settings: Any) -> Any:
    """Search from the roots of the table."""
    with jax.enable_x64(True):
        known = tables(table)
        roots = jnp.arange(TREES)
        root = mctx.RootFnOutput(prior_logits=known.logits[roots], value=known.worths[roots], embedding=roots)
        run = jax.jit(partial(policy, recurrent_fn=follow, **settings))
        output = run(params=known, rng_key=jax.random.key(1), root=root, invalid_actions=known.children[roots] < 0)
        return jax.tree.map(np.asarray, (output, output.search_tree.summary()))


def compare(search: GumbelSearch | PuctSearch, output: SearchOutput, table: Any, summary: Any) -> None:
    """Visits of the actions exactly, their values and those of the roots nearly."""
    for game in range(TREES):
        seat = table["player"][game] - 1
        actions = output.policy_actions[output.policy_offsets[game] : output.policy_offsets[game + 1]]
        visits = output.visits[output.policy_offsets[game] : output.policy_offsets[game + 1]]
        assert visits.tolist() == summary.visit_counts[game, actions].tolist()
        assert output.root_values[game, seat] == pytest.approx(summary.value[game], abs=1e-6)
        edges = search.trees.edges[game, : len(actions)][visits > 0]
        means = edges["value_sum"][:, seat] / edges["visits"]
        assert means == pytest.approx(summary.qvalues[game, actions[visits > 0]], abs=1e-6)


def actions_of(output: SearchOutput, values: Any) -> Any:
    """The values of legal actions out of `[games, actions]`, as ragged as `found`."""
    return values[np.repeat(np.arange(TREES), np.diff(output.policy_offsets)), output.policy_actions]


SHAPES = {
    "bandits": {"depth": 1, "children": (1, 19)},
    "shallow trees that are searched to their ends": {"depth": 3},
    "deep trees": {"depth": 5},
}


@pytest.mark.parametrize(
    ("shape", "simulations", "considered", "noise"),
    [
        ("bandits", 50, 16, True),
        ("shallow trees that are searched to their ends", 150, 16, False),
        ("deep trees", 64, 16, True),
        ("deep trees", 17, 3, False),
    ],
)
def test_gumbel_search_does_what_mctx_does(
    shape: str, simulations: int, considered: int, noise: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = trees.grow(simulations, TREES, **SHAPES[shape])
    theirs, summary = ask_mctx(
        mctx.gumbel_muzero_policy,
        table,
        num_simulations=simulations,
        max_num_considered_actions=considered,
        gumbel_scale=float(noise),
        qtransform=partial(
            mctx.qtransform_completed_by_mix_value,
            value_scale=gumbel.VALUE_SCALE,
            maxvisit_init=gumbel.VISIT_OFFSET,
            rescale_values=False,
        ),
    )
    drawn = theirs.search_tree.extra_data.root_gumbel

    def draw_the_same(grown: Any, slots: Any, games: Any, seed: Any, numbers: Any, first: int, last: int) -> None:
        for game in range(first, last):
            legal = np.flatnonzero(table["children"][game] >= 0)
            numbers[game, : len(legal)] = drawn[game, legal]

    monkeypatch.setattr(gumbel, "draw_noise", draw_the_same)
    search = GumbelSearch(
        trees.adapter(table),
        2,
        trees.TableEvaluator(table),
        simulations=simulations,
        max_considered_actions=considered,
        noise=noise,
    )
    output = search.run(trees.positions(table, np.arange(TREES)))
    compare(search, output, table, summary)
    assert output.chosen_actions.tolist() == theirs.action.tolist()
    assert output.policy_probs == pytest.approx(actions_of(output, theirs.action_weights), abs=1e-5)


def as_ours(tree: mctx.Tree, node: Any) -> Any:
    """Makes mctx's `value + exploration` ours, times a factor that changes no maximum.

    - An unvisited action counts as KataGo's first-play urgency, in mctx as the lowest value.
    - Values are taken as they are, in mctx rescaled to 0 … 1.
    - The bonus grows with the root of the actions' visits, in mctx with that of the node's, one more: here values are
      multiplied where we would divide the bonus.
    - At inner nodes mctx takes illegal actions for actions of prior 0.
    """
    visits = tree.children_visits[node]
    logits = tree.children_prior_logits[node]
    priors = jax.nn.softmax(logits)
    total = jnp.sum(visits)
    urgency = tree.node_values[node] - FIRST_PLAY_REDUCTION * jnp.sqrt(jnp.sum(jnp.where(visits > 0, priors, 0.0)))
    values = jnp.where(visits > 0, tree.qvalues(node), urgency)
    theirs = jnp.sqrt(1.0 + total) * (EXPLORATION_START + jnp.log((total + 2 + EXPLORATION_BASE) / EXPLORATION_BASE))
    ours = jnp.sqrt(jnp.maximum(total, 1.0)) * (
        EXPLORATION_START + jnp.log((total + 1 + EXPLORATION_BASE) / EXPLORATION_BASE)
    )
    return jnp.where(logits < -1e9, -jnp.inf, values * theirs / ours)


@pytest.mark.parametrize(("shape", "simulations"), [("deep trees", 120), ("bandits", 40)])
def test_puct_search_does_what_mctx_does_with_our_formula(shape: str, simulations: int) -> None:
    table = trees.grow(simulations, TREES, **SHAPES[shape])
    theirs, summary = ask_mctx(
        mctx.muzero_policy,
        table,
        num_simulations=simulations,
        dirichlet_fraction=0.0,
        pb_c_init=EXPLORATION_START,
        pb_c_base=EXPLORATION_BASE,
        qtransform=as_ours,
    )
    search = PuctSearch(trees.adapter(table), 2, trees.TableEvaluator(table), simulations=simulations)
    output = search.run(trees.positions(table, np.arange(TREES)))
    compare(search, output, table, summary)
    assert output.policy_probs == pytest.approx(actions_of(output, theirs.action_weights), abs=1e-6)
