"""The sequential test plays until it is clear."""

from __future__ import annotations

from dataclasses import replace
from threading import Event

import pytest
from rich.console import Console

from ringrift.cli.render import rendered
from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.participants import Participant, participant
from ringrift.evaluation.results import block_scores
from ringrift.evaluation.schedule import BadMatch
from ringrift.evaluation.sequential import sequential_test
from ringrift.evaluation.store import stored_evaluations
from ringrift.run_context import Cancelled, RunContext
from tests.evaluation.planted import result

CONFIG = "square8_2p"


def test_a_clear_answer_ends_the_test(runner: MatchRunner) -> None:
    sprt = runner.settings.sprt.model_copy(update={"stronger": 400.0, "most": 100})
    runner = MatchRunner(runner.database, RunContext(runner.settings.model_copy(update={"sprt": sprt})))
    better = sequential_test(CONFIG, participant("heuristic:v1", CONFIG), participant("random", CONFIG), runner)
    worse = sequential_test(CONFIG, participant("random", CONFIG), participant("heuristic:v1", CONFIG), runner)
    assert (better.passed, worse.passed) == (True, False)
    for report in (better, worse):
        assert report.games == 2 * report.verdict.blocks < 2 * sprt.most
        assert report.distinct == report.games
    assert better.verdict.score > 0.5 > worse.verdict.score
    assert [entry.passed for entry in stored_evaluations(runner.database, CONFIG)] == [False, True]
    assert sequential_test(CONFIG, participant("heuristic:v1", CONFIG), participant("random", CONFIG), runner) == better


def test_the_most_blocks_end_it_too(runner: MatchRunner) -> None:
    report = sequential_test(CONFIG, participant("random", CONFIG), Participant("other", "random"), runner)
    assert report.verdict.stronger is None
    assert report.verdict.blocks == runner.settings.sprt.most
    console = Console(width=150)
    with console.capture() as capture:
        console.print(rendered(report))
    assert "not clear after 12 blocks" in capture.get()


def test_nobody_is_tested_against_itself(runner: MatchRunner) -> None:
    with pytest.raises(BadMatch, match="random cannot play against itself"):
        sequential_test(CONFIG, participant("random", CONFIG), participant("random", CONFIG), runner)


def test_a_stopped_test_is_interrupted(runner: MatchRunner) -> None:
    stop = Event()
    stop.set()
    with pytest.raises(Cancelled):
        runner = replace(runner, context=replace(runner.context, cancellation=stop))
        sequential_test(CONFIG, participant("heuristic:v1", CONFIG), participant("random", CONFIG), runner)


def test_a_block_scores_the_mean_of_its_games() -> None:
    games = [
        *(result(("a", "b"), (1, 2), "first"), result(("b", "a"), (1, 2), "first")),
        *(result(("a", "b"), (1, 2), "second"), result(("b", "a"), None, "second")),
    ]
    assert block_scores(games, "a") == [0.5, 0.75]
    assert block_scores(games, "b") == [0.5, 0.25]
