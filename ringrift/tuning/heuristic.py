"""Tuning of the heuristic's weights by evolution: questions, answered here or by jobs on other hosts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import log10
from pathlib import Path
from typing import Any

import numpy as np

from ringrift.game.boards import parse_config
from ringrift.game_database import GamesDatabase
from ringrift.heuristic import FEATURE_NAMES, write_weights
from ringrift.kernels.types import F64
from ringrift.run_context import Cancelled, RunContext
from ringrift.selfplay import checked_name
from ringrift.settings import check_settings
from ringrift.tuning.evolution import Answer, Plan, Question, answered, noise_share
from ringrift.tuning.fitness import Fitness, Games, MeanFitness, NetworkFitness, game_fitness, network_fitness
from ringrift.tuning.run import BadRun, CandidateAnswer, TuningRun, has_plan, plan_id, read_plan
from ringrift.tuning.settings import EvolutionSettings, TuningSettings


@dataclass(frozen=True)
class GenerationReport:
    """A generation, or the check of a start's result, in numbers."""

    start: int
    generation: int
    """−1 for a check."""
    openings: int
    mean: float
    """The mean score of the candidates; of a check that of the start's result."""
    best: float
    noise: float
    """The share of chance in the variance of their scores."""
    sigma: float


@dataclass(frozen=True)
class TuningReport:
    """The progress of a run so far."""

    config: str
    run: str
    finished: bool
    generations: list[GenerationReport]
    games: int
    seconds: float
    """Processor time."""
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


def fitness_of(config: str, settings: TuningSettings, open_database: Callable[[], GamesDatabase]) -> Fitness:
    """Return the evaluator of the settings; the database of games is opened if it needs positions."""
    evolution = settings.evolution
    if evolution.network is not None and evolution.evaluator == "network":
        with open_database() as database:
            return network_fitness(database, config, evolution.network, settings.logistic)
    return game_fitness(config, evolution.evaluator, evolution.nodes)


def answer_candidate(
    fitness: Fitness, config: str, number: int, candidate: int, weights: F64, panel: F64, games: Games
) -> CandidateAnswer:
    """Play all games of one candidate, with weights `[F]`, of the question with that number, or compare its values."""
    start = time.process_time()
    scores = fitness(weights[np.newaxis], panel, games)
    answer = answered(scores)
    return CandidateAnswer(
        number,
        candidate,
        round(float(answer.scores[0]), 6),
        round(float(answer.variances[0]), 9),
        _games_played(fitness, config, scores.shape[1]),
        round(time.process_time() - start, 3),
    )


def _games_played(fitness: Fitness, config: str, openings: int) -> int:
    """Return how many games a candidate has played for its scores."""
    if isinstance(fitness, NetworkFitness):
        return 0
    uses = len(fitness.fitnesses) if isinstance(fitness, MeanFitness) else 1
    return openings * parse_config(config)[1] * uses


def tune(run: TuningRun, fitness: Fitness, context: RunContext[object]) -> TuningReport:
    """Answer all questions of a run on this machine; raises `Cancelled`, and goes on when it is called again."""
    while (question := run.ask()) is not None:
        number = run.number
        for candidate in run.open_candidates:
            if context.cancelled:
                raise Cancelled(f"{run.folder}: stopped after {number} of {run.questions} questions; run it again")
            weights = question.candidates[candidate]
            run.tell(
                answer_candidate(fitness, run.plan.config, number, candidate, weights, question.panel, question.games)
            )
        context.progress("generations", number + 1, run.questions, _detail(*run.past[-1]))
    return tuning_report(run)


def _detail(question: Question, answer: Answer) -> str:
    """Return the result of a generation in a few words."""
    if question.is_check:
        own, *best = map(float, answer.scores)
        if best:
            return f"start {question.start} agrees to {own:.2%}, the best so far to {best[0]:.2%}"
        return f"start {question.start} {elo_text(own)} against the best so far"
    return f"scores {answer.scores.mean():.3f}, sigma {question.sigma:.3f}, {question.games.openings} openings"


def elo_text(score: float) -> str:
    """Return a score as a difference in Elo, such as «+35 Elo»."""
    limited = min(max(score, 0.001), 0.999)
    return f"{400 * log10(limited / (1 - limited)):+.0f} Elo"


def tuning_report(run: TuningRun) -> TuningReport:
    """Return the progress of a run so far."""
    return TuningReport(
        config=run.plan.config,
        run=str(run.folder),
        finished=run.best is not None,
        generations=[
            GenerationReport(
                start=question.start,
                generation=question.generation,
                openings=question.games.openings,
                mean=round(float(answer.scores[0] if question.is_check else answer.scores.mean()), 4),
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
    """Return the folder of a run; `BadOptions` for a name that is no plain one."""
    return root / config / checked_name("run", name)


def default_name(plan: Plan) -> str:
    """Return the name of a run that has none: other settings, or other weights in use, make another one."""
    return f"{plan.settings.evaluator}-{plan.seed}-{plan_id(plan)[:8]}"


def continued(plan: Plan, folder: Path, *, with_start: bool) -> Plan:
    """Return the plan with the weights that the run of a folder began with, if there is one; `BadRun` if it is broken.

    Those in use may be others by now. `with_start` keeps the start of the plan, which was asked for.
    """
    if not has_plan(folder):
        return plan
    began = read_plan(folder)
    return replace(plan, frozen=began.frozen, in_use=began.in_use, start=plan.start if with_start else began.start)


def changed(settings: TuningSettings, config: str, *, games: int | None, **changes: Any) -> TuningSettings:
    """Return the settings with what a command changes, None nothing; `BadSettings` for what cannot be.

    `games` of an evaluation are rounded up to whole openings.
    """
    given = {name: value for name, value in changes.items() if value is not None}
    if games is not None:
        given["openings"] = -(-games // parse_config(config)[1])
        given["most_openings"] = max(given["openings"], settings.evolution.most_openings)
    evolution = check_settings(settings.evolution.model_dump() | given, EvolutionSettings, "tune heuristic")
    if evolution.evaluator == "network" and evolution.network is None:
        raise BadRun("the evaluator network needs a model: name it with --network")
    for name, of in (("nodes", ("search", "both")), ("network", ("network",))):
        if name in given and evolution.evaluator not in of:
            raise BadRun(f"--{name}: is without effect on the evaluator {evolution.evaluator}")
    return settings.model_copy(update={"evolution": evolution})


def origin_of(plan: Plan, games: int) -> str:
    """Return where weights come from, in a line for their file; `games` are those that were played for it."""
    settings = plan.settings
    how = {
        "one_ply": "one ply",
        "search": f"search at {settings.nodes} nodes",
        "both": f"one ply and search at {settings.nodes} nodes",
        "network": f"agreement with {settings.network}",
    }[settings.evaluator]
    starts = f"{settings.restarts + 1} starts of {settings.generations} generations of {settings.population}"
    played = f", {games} games" if games else ""
    return f"CMA-ES ({how}): {starts}{played}, seed {plan.seed}"


def write_best(run: TuningRun, out: Path | None = None) -> Path:
    """Write the best weights of a finished run, by default into its folder, and return the path."""
    if run.best is None:
        raise BadRun(f"{run.folder}: is not finished: {run.number} of {run.questions} questions are answered")
    path = out or run.folder / "weights.yaml"
    write_weights(path, run.best, f"{origin_of(run.plan, run.games)}.")
    return path
