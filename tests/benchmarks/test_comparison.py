"""The comparison with other programs: they do the same work as ours, and are measured side by side."""

from __future__ import annotations

import json
from functools import partial

import jax
import mctx
import numpy as np
import pytest
from typer.testing import CliRunner

from ringrift.benchmarks import comparison
from ringrift.benchmarks.comparison import Contest, Task
from ringrift.benchmarks.connect_four import COLUMNS, CONNECT_FOUR, openings, positions
from ringrift.benchmarks.connect_four_evaluators import TinyNetwork, random_weights
from ringrift.benchmarks.programs import (
    OPENSPIEL_COMPILED,
    OUR_PUCT,
    OpenSpielEvaluator,
    mctx_search,
    openspiel_states,
    pgx_states,
)
from ringrift.cli.bench import app
from ringrift.search import GumbelSearch, gumbel


def test_mctx_on_pgx_finds_what_we_find() -> None:
    """Connect Four with the tiny network: the visits of both are the same, and nearly so the policies.

    In openings only: mctx visits the forced moves in the last column, too.
    """
    moves = openings(64, 12)
    settings = {
        "gumbel_scale": 0.0,
        "qtransform": partial(
            mctx.qtransform_completed_by_mix_value, value_scale=gumbel.VALUE_SCALE, rescale_values=False
        ),
    }
    theirs = jax.jit(mctx_search("network", 64, **settings))(jax.random.key(0), pgx_states(moves))
    output = GumbelSearch(CONNECT_FOUR, 2, TinyNetwork(random_weights()), simulations=64, noise=False).run(
        positions(moves)
    )
    rows = np.repeat(np.arange(64), np.diff(output.policy_offsets))
    visits = np.asarray(theirs.search_tree.summary().visit_counts)
    assert output.visits.tolist() == visits[rows, output.policy_actions].tolist()
    assert output.policy_probs == pytest.approx(
        np.asarray(theirs.action_weights)[rows, output.policy_actions], abs=1e-3
    )
    assert output.chosen_actions.tolist() == np.asarray(theirs.action).tolist()


def test_openspiel_gets_the_same_answers_from_the_network() -> None:
    moves = openings(50, 20)
    offsets, actions = np.arange(51) * COLUMNS, np.tile(np.arange(COLUMNS, dtype=np.int32), 50)
    logits, values = TinyNetwork(random_weights())(positions(moves), offsets, actions)
    for state, row, value in zip(openspiel_states(moves), logits.reshape(50, COLUMNS), values, strict=True):
        evaluator = OpenSpielEvaluator("network")
        assert evaluator.evaluate(state) == pytest.approx(value.tolist(), abs=1e-5)
        columns, priors = zip(*evaluator.prior(state), strict=True)
        shares = np.exp(row[list(columns)])
        assert list(priors) == pytest.approx((shares / shares.sum()).tolist(), abs=1e-5)


def compare_two_fast_programs(in_flight: int) -> list[Contest]:
    return [Contest((Task(OUR_PUCT, "rollouts", in_flight),), Task(OPENSPIEL_COMPILED, "rollouts", 1))]


def test_programs_are_compared_in_processes_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "contests", compare_two_fast_programs)
    theirs, ours = comparison.compare(in_flight=32, seconds=0.05)
    assert (theirs.program, theirs.in_flight, theirs.against) == (OPENSPIEL_COMPILED, 1, None)
    assert (ours.program, ours.in_flight, ours.against) == (OUR_PUCT, 32, OPENSPIEL_COMPILED)
    assert ours.times_one_core == pytest.approx(ours.one_core / theirs.one_core)
    assert ours.times_all_cores == pytest.approx(ours.all_cores / theirs.all_cores)


def test_a_program_that_fails_ends_the_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = Task("no such program", "uniform", 1)
    monkeypatch.setattr(comparison, "contests", lambda in_flight: [Contest((), unknown)])
    with pytest.raises(KeyError, match="no such program"):
        list(comparison.compare(seconds=0.05))


def test_the_command_prints_the_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "contests", compare_two_fast_programs)
    done = CliRunner().invoke(app, ["search", "hex8_2p", "--games", "32", "--repeats", "1"])
    assert done.exit_code == 0, done.output
    assert "OpenSpiel PUCT in C++" in done.stdout


def test_without_the_other_programs_a_line_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "find_spec", lambda name: None if name == "pgx" else name)
    done = CliRunner().invoke(app, ["search", "hex8_2p", "--games", "32", "--repeats", "1", "--json"])
    assert done.exit_code == 0, done.output
    assert done.stderr == "no comparison with other programs without pgx: pip install 'ringrift[compare]'\n"
    assert json.loads(done.stdout)["comparison"] == []
