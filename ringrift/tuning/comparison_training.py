"""Comparison training of a config: lessons, a fit for every mix of losses, and games that find the best of them."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from math import sqrt
from pathlib import Path
from typing import Any, Final

import numpy as np

from ringrift.game.boards import parse_config
from ringrift.heuristic import write_weights
from ringrift.kernels.types import F64
from ringrift.run_context import RunContext
from ringrift.tuning.acceptance import MODES
from ringrift.tuning.comparison import agreement, fit_mix
from ringrift.tuning.fitness import one_ply_fitness, search_fitness
from ringrift.tuning.heuristic import named
from ringrift.tuning.lessons import ComparisonPlan, comparison_folder, kept_scores, learn_lessons
from ringrift.tuning.selection import Standing, bounded_elo, select_weights
from ringrift.tuning.settings import Mix

MEAN: Final = "mean of all"
"""The name of the mean of all fitted weights, which takes part like any of them."""


@dataclass(frozen=True)
class MixReport:
    """The scores of the weights of a mix."""

    mix: str
    agreement: float
    """The share of the search's choices that they make, too, one action ahead."""
    games: int
    """The games that were played in both uses together."""
    one_ply_elo: float
    """Against the weights that the run began with; the chosen ones look a little too good."""
    one_ply_error: float
    """The standard error, in Elo."""
    search_elo: float
    search_error: float


@dataclass(frozen=True)
class ComparisonReport:
    """The result of comparison training."""

    config: str
    run: str
    decisions: int
    """Choices of the search that were learned."""
    rollouts: int
    agreement: float
    """The share of them that the weights of the start make, too."""
    mixes: tuple[MixReport, ...]
    """The best first."""
    games: int
    """The games of the selection."""
    seconds: float
    """Processor time of this call."""
    weights: dict[str, float]
    """The best weights."""
    path: Path
    """The file that they were written to."""

    def to_json(self) -> dict[str, Any]:
        """Return the report in JSON's types."""
        return asdict(self) | {"path": str(self.path)}


def mix_text(mix: Mix) -> str:
    """Return a mix in a line."""
    return f"choices {mix.choices:g}, results {mix.results:g}, values {mix.values:g}, prior {mix.prior:g}"


def train_by_comparison(
    folder: Path, plan: ComparisonPlan, context: RunContext[object], *, out: Path | None = None
) -> ComparisonReport:
    """Train the weights of a plan and write them, by default to `weights.yaml` in the folder; raises `Cancelled`.

    Lessons and scores of the selection are kept there, so that the same call after a stop goes on behind them.
    """
    began = time.process_time()
    settings, start = plan.settings, np.array(plan.start)
    with comparison_folder(folder, plan):
        lessons = learn_lessons(folder, plan, context)
        names, fits = [], []
        for number, mix in enumerate(settings.mixes):
            context.progress("fits", number, len(settings.mixes), mix_text(mix))
            names.append(mix_text(mix))
            fits.append(fit_mix(lessons, mix, start))
        candidates = np.array([*fits, np.mean(fits, axis=0)])
        by_weights = {row.tobytes(): name for row, name in zip(candidates, [*names, MEAN], strict=True)}
        fitnesses = (
            kept_scores(folder / "scores", "one_ply", one_ply_fitness(plan.config)),
            kept_scores(folder / "scores", "search", search_fitness(plan.config, settings.selection.nodes)),
        )
        standings = select_weights(
            plan.config, candidates, start, fitnesses, settings.selection, plan.seed + 1, context
        )
        mixes = tuple(
            _mix_report(by_weights[row.weights.tobytes()], row, agreement(lessons.choices, row.weights), plan.config)
            for row in standings
        )
        report = ComparisonReport(
            config=plan.config,
            run=str(folder),
            decisions=len(lessons.choices.counts),
            rollouts=len(lessons.rollouts.values),
            agreement=round(agreement(lessons.choices, start), 4),
            mixes=mixes,
            games=sum(mix.games for mix in mixes),
            seconds=round(time.process_time() - began, 1),
            weights=named(standings[0].weights),
            path=out or folder / "weights.yaml",
        )
        write_weights(report.path, standings[0].weights, _origin(plan, report))
    return report


def _mix_report(name: str, standing: Standing, agreed: float, config: str) -> MixReport:
    players = parse_config(config)[1]
    return MixReport(
        mix=name,
        agreement=round(agreed, 4),
        games=players * (len(standing.one_ply) + len(standing.search)),
        one_ply_elo=round(bounded_elo(standing.one_ply), 1),
        one_ply_error=elo_error(np.array(standing.one_ply)),
        search_elo=round(bounded_elo(standing.search), 1),
        search_error=elo_error(np.array(standing.search)),
    )


def elo_error(scores: F64) -> float:
    """Return the standard error in Elo of the mean of scores by opening, as it is near a score of a half."""
    return round(float(1600 / np.log(10) * scores.std(ddof=1) / sqrt(len(scores))), 1) if len(scores) > 1 else 0.0


def _origin(plan: ComparisonPlan, report: ComparisonReport) -> str:
    """Return where the weights come from, in lines for their file."""
    settings = plan.settings
    search = f"{MODES[parse_config(plan.config)[1]]} at {settings.nodes} nodes"
    return (
        f"Comparison training: {report.decisions} choices of {search}, {report.rollouts} rollouts;\n"
        f"{report.mixes[0].mix}; chosen by {report.games} games; seed {plan.seed}."
    )
