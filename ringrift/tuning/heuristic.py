"""Tuning of the heuristic's weights by evolution: questions, answered here or by jobs on other hosts."""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import log10
from pathlib import Path
from typing import Any

import numpy as np

from ringrift.game.boards import parse_config
from ringrift.heuristic import FEATURE_NAMES
from ringrift.kernels.types import F64
from ringrift.run_context import Cancelled, RunContext
from ringrift.tuning.evolution import Answer, Question, answered, noise_share
from ringrift.tuning.fitness import Fitness, one_ply_fitness, search_fitness
from ringrift.tuning.run import CandidateAnswer, TuningRun
from ringrift.tuning.settings import EvolutionSettings


@dataclass(frozen=True)
class GenerationReport:
    """A generation, or the check of what a start has found, in numbers."""

    start: int
    generation: int
    """−1 for a check."""
    openings: int
    mean: float
    """The mean score of the candidates."""
    best: float
    noise: float
    """The share of chance in the variance of their scores."""
    sigma: float


@dataclass(frozen=True)
class TuningReport:
    """What a run has come to so far."""

    config: str
    run: str
    finished: bool
    generations: list[GenerationReport]
    games: int
    seconds: float
    """Of processor time."""
    weights: dict[str, float] | None
    """The best weights, once the run is finished."""

    def to_json(self) -> dict[str, Any]:
        """Return the report in JSON's types."""
        return {
            "config": self.config,
            "run": self.run,
            "finished": self.finished,
            "generations": [vars(generation) for generation in self.generations],
            "games": self.games,
            "seconds": round(self.seconds, 1),
            "weights": self.weights,
        }


def fitness_of(config: str, settings: EvolutionSettings) -> Fitness:
    """Return the evaluator of the settings."""
    if settings.evaluator == "search":
        return search_fitness(config, settings.nodes)
    return one_ply_fitness(config)


def answer_candidate(
    fitness: Fitness, players: int, number: int, question: Question, candidate: int
) -> CandidateAnswer:
    """Play all games of one candidate of a question."""
    start = time.process_time()
    scores = fitness(question.candidates[candidate : candidate + 1], question.panel, question.games)
    answer = answered(scores)
    return CandidateAnswer(
        number,
        candidate,
        round(float(answer.scores[0]), 6),
        round(float(answer.variances[0]), 9),
        scores.shape[1] * players,
        round(time.process_time() - start, 3),
    )


def tune(run: TuningRun, fitness: Fitness, context: RunContext[object]) -> TuningReport:
    """Answer all questions of a run on this machine; raises `Cancelled`, and goes on when it is called again."""
    players = parse_config(run.plan.config)[1]
    while (question := run.ask()) is not None:
        number = run.number
        for candidate in run.open_candidates:
            if context.cancelled:
                raise Cancelled(f"{run.folder}: stopped after {number} of {run.questions} questions; run it again")
            run.tell(answer_candidate(fitness, players, number, question, candidate))
        context.progress("generations", number + 1, run.questions, _detail(*run.past[-1]))
    return tuning_report(run)


def _detail(question: Question, answer: Answer) -> str:
    """Return what a generation has come to, in a few words."""
    if question.is_check:
        return f"start {question.start} {elo_text(float(answer.scores[0]))} against the best so far"
    return f"scores {answer.scores.mean():.3f}, sigma {question.sigma:.3f}, {question.games.openings} openings"


def elo_text(score: float) -> str:
    """Return a score as a difference in Elo, such as «+35 Elo»."""
    limited = min(max(score, 0.001), 0.999)
    return f"{400 * log10(limited / (1 - limited)):+.0f} Elo"


def tuning_report(run: TuningRun) -> TuningReport:
    """Return what a run has come to so far."""
    return TuningReport(
        config=run.plan.config,
        run=str(run.folder),
        finished=run.best is not None,
        generations=[
            GenerationReport(
                start=question.start,
                generation=question.generation,
                openings=question.games.openings,
                mean=round(float(answer.scores.mean()), 4),
                best=round(float(answer.scores.max()), 4),
                noise=round(noise_share(answer), 3),
                sigma=round(question.sigma, 4),
            )
            for question, answer in run.past
        ],
        games=run.games,
        seconds=run.seconds,
        weights=None if run.best is None else named(run.best),
    )


def named(weights: F64) -> dict[str, float]:
    """Return weights by the names of their features."""
    return dict(zip(FEATURE_NAMES, np.round(weights, 6).tolist(), strict=True))


def run_folder(config: str, name: str, root: Path) -> Path:
    """Return the folder of a run."""
    return root / config / name
