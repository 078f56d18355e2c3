"""Acceptance of weights: only what is stronger one action ahead and in a search takes the place of those in use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

import numpy as np

from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.participants import participant
from ringrift.evaluation.sequential import SequentialReport, sequential_test
from ringrift.evaluation.sprt import SprtSettings, elo_of
from ringrift.game.boards import parse_config
from ringrift.heuristic import FROZEN, Weights, frozen_weights, load_weights, read_weights, weights_id, write_weights
from ringrift.heuristic.weights import weights_path
from ringrift.tuning.settings import AcceptanceSettings

MODES: Final = {2: "minimax", 3: "maxn", 4: "maxn"}
"""The search of the second test, by the number of players."""


@dataclass(frozen=True)
class AcceptanceReport:
    """The results of the two tests."""

    config: str
    weights: str
    """The id of the candidate."""
    in_use: str
    """The id of the weights that it was tested against."""
    one_ply: SequentialReport | None
    """None if candidate and weights in use are the same."""
    search: SequentialReport | None
    """None if the first test was not passed: the second takes a hundred times as long."""
    nodes: int

    @property
    def accepted(self) -> bool:
        """Whether both tests were passed."""
        return bool(self.one_ply and self.search and self.one_ply.passed and self.search.passed)

    def to_json(self) -> dict[str, Any]:
        """Return the report in JSON's types."""
        return {
            "config": self.config,
            "weights": self.weights,
            "in_use": self.in_use,
            "nodes": self.nodes,
            "one_ply": self.one_ply and self.one_ply.to_json(),
            "search": self.search and self.search.to_json(),
            "accepted": self.accepted,
        }

    def evidence(self) -> list[str]:
        """Return the evidence in lines, for the file of weights."""
        search = f"{MODES[parse_config(self.config)[1]]} at {self.nodes} nodes"
        named = f"the frozen {FROZEN}" if self.in_use == weights_id(frozen_weights()) else self.in_use
        return [
            f"Against {named}, by the sequential test (paired openings, all seatings):",
            *(result_line(how, test) for how, test in (("one ply", self.one_ply), (search, self.search)) if test),
        ]


def result_line(how: str, test: SequentialReport) -> str:
    """Return the result of a test, such as «one ply: 58.1 % of 240 games, +57 Elo, stronger (alpha 0.01)»."""
    score = test.verdict.score
    elo = f"{elo_of(score):+.0f} Elo" if 0 < score < 1 else "won or lost all"
    verdict = {True: "stronger", False: "not stronger", None: "not clear"}[test.verdict.stronger]
    return f"{how}: {score:.1%} of {test.games} games, {elo}, {verdict} (alpha {test.settings.alpha:g})"


def accept(
    config: str, candidate: Path, runner: MatchRunner, settings: AcceptanceSettings, *, folder: Path
) -> AcceptanceReport:
    """Test a file of weights against those in use; an interrupted test goes on. Raises `Cancelled`.

    Files with the candidate's and the present weights, named by their ids, are written to `folder`: games are stored
    under these names.
    """
    players = parse_config(config)[1]
    new, old = (_by_id(weights, folder) for weights in (read_weights(candidate), load_weights(config)))
    if new == old:
        return AcceptanceReport(config, new.stem, old.stem, None, None, settings.nodes)
    mode = f"{MODES[players]}?nodes={settings.nodes}&weights="
    tests: list[SequentialReport] = []
    for form, sprt in (("heuristic:", settings.one_ply), (mode, settings.search)):
        proposed, current = (participant(f"{form}{path}", config) for path in (new, old))
        tests.append(sequential_test(config, proposed, current, _with_test(runner, sprt)))
        if not tests[-1].passed:
            break
    one_ply, search = (*tests, None)[:2]
    return AcceptanceReport(config, new.stem, old.stem, one_ply, search, settings.nodes)


def _by_id(weights: Weights, folder: Path) -> Path:
    """Write weights, as a file has them, to one that is named by their id."""
    weights = as_written(weights)
    path = folder / f"{weights_id(weights)}.yaml"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_weights(path, weights, "Kept by an acceptance test.")
    return path


def as_written(weights: Weights) -> Weights:
    """Return weights with the four digits that a file has of each."""
    return np.array([float(f"{weight:.4g}") for weight in weights])


def _with_test(runner: MatchRunner, sprt: SprtSettings) -> MatchRunner:
    """Return the runner with the settings of another sequential test."""
    context = runner.context
    return replace(runner, context=context.with_settings(context.settings.model_copy(update={"sprt": sprt})))


def put_in_use(report: AcceptanceReport, weights: Weights, source: Path, folder: Path | None = None) -> Path:
    """Write accepted weights to the file of the config, with the origin that their source gives and the evidence."""
    path = weights_path(report.config, folder)
    write_weights(path, weights, "\n".join([*_comment(source), *report.evidence()]))
    return path


def _comment(source: Path) -> list[str]:
    """Return the lines of the comment that a file of weights begins with."""
    lines = takewhile(lambda line: line.startswith("#"), source.read_text().splitlines())
    return [line.removeprefix("#").strip() for line in lines]
