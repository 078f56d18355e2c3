"""Weights are accepted that are stronger in both uses, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from ringrift.cli.render import rendered
from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.matches import MatchPlan
from ringrift.evaluation.results import GameResult
from ringrift.evaluation.settings import evaluation_settings
from ringrift.game_database import GamesDatabase
from ringrift.heuristic import frozen_weights, load_weights, read_weights, weights_id, write_weights
from ringrift.run_context import RunContext
from ringrift.tuning.acceptance import AcceptanceReport, accept, put_in_use
from ringrift.tuning.settings import tuning_settings
from tests.evaluation.planted import result

CONFIG = "square8_2p"


@dataclass(frozen=True)
class PlantedRunner(MatchRunner):
    """Plays nothing: the candidate, who is named first, wins a planted share of the games of each use."""

    shares: dict[str, float] = field(default_factory=dict)

    def agents(self, plan: MatchPlan, players: Sequence[Any]) -> list[Any]:
        """Nobody is needed."""
        return []

    def play(self, kind: Any, plan: MatchPlan, agents: Sequence[Any]) -> list[GameResult]:
        """Draw the results of the plan's games."""
        first, second = plan.players
        luck = np.random.default_rng(plan.seed % 2**32)
        share = self.shares[first.partition(":")[0].partition("?")[0]]
        games = []
        for opening in range(plan.openings):
            for names in ((first, second), (second, first)):
                won = luck.random() < share
                games.append(result(names, (1, 2) if (names[0] == first) == won else (2, 1), f"{plan.seed} {opening}"))
        return games


@pytest.fixture
def candidate(tmp_path: Path) -> Path:
    path = tmp_path / "candidate.yaml"
    write_weights(path, frozen_weights() * 1.25, "Made for a test.")
    return path


@pytest.fixture
def database(tmp_path: Path) -> Iterator[GamesDatabase]:
    with GamesDatabase(str(tmp_path / "games.db"), create=True) as opened:
        yield opened


def report_on(candidate: Path, database: GamesDatabase, one_ply: float, search: float) -> AcceptanceReport:
    """The report on a candidate that wins such shares of its games."""
    context = RunContext(evaluation_settings())
    runner = PlantedRunner(database, context, {"heuristic": one_ply, "minimax": search})
    return accept(CONFIG, candidate, runner, tuning_settings().acceptance, folder=candidate.parent / "kept")


@pytest.mark.parametrize(
    ("one_ply", "search", "accepted"),
    [(0.65, 0.62, True), (0.65, 0.4, False), (0.65, 0.5, False), (0.5, 0.65, False), (0.4, 0.65, False)],
)
def test_both_tests_have_to_be_passed(
    one_ply: float, search: float, accepted: bool, candidate: Path, database: GamesDatabase
) -> None:
    """Better one action ahead and worse in a search, or the other way round, is not good enough."""
    report = report_on(candidate, database, one_ply, search)
    assert report.accepted is accepted
    assert report.one_ply is not None
    assert (report.search is None) is (one_ply < 0.6)  # the second test is not played where the first is lost
    assert report.to_json()["accepted"] is accepted
    console = Console(width=120)
    with console.capture() as capture:
        console.print(rendered(report))
    assert ("not accepted" in capture.get()) is not accepted


def test_what_is_accepted_is_written_with_its_origin_and_evidence(
    candidate: Path, database: GamesDatabase, tmp_path: Path
) -> None:
    report = report_on(candidate, database, 0.7, 0.7)
    path = put_in_use(report, read_weights(candidate), candidate, tmp_path)
    assert path == tmp_path / f"{CONFIG}.yaml"
    assert load_weights(CONFIG, tmp_path) == pytest.approx(frozen_weights() * 1.25)
    comment = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert comment[0] == "# Made for a test."
    assert comment[2].startswith("# one ply: ")
    assert comment[3].startswith("# minimax at 4000 nodes: ")
    assert all("stronger (alpha 0.01)" in line for line in comment[2:])


def test_the_weights_in_use_are_not_tested_against_themselves(tmp_path: Path, database: GamesDatabase) -> None:
    path = tmp_path / "same.yaml"
    write_weights(path, load_weights(CONFIG), "The same.")
    report = report_on(path, database, 1.0, 1.0)
    assert not report.accepted
    assert report.one_ply is None


def test_players_are_named_by_what_their_weights_are(candidate: Path, database: GamesDatabase) -> None:
    """So that an interrupted test goes on, and one of other weights in the same file is another test."""
    report = report_on(candidate, database, 0.7, 0.7)
    assert report.one_ply is not None
    assert report.search is not None
    new, old = weights_id(read_weights(candidate)), weights_id(load_weights(CONFIG))
    assert (report.one_ply.player, report.one_ply.opponent) == (f"heuristic:w{new}", f"heuristic:w{old}")
    assert report.search.player == f"minimax?nodes=4000&weights=w{new}"
