"""A distilled network beside its teachers: how much of their strength it keeps, and how much faster it is."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from ringrift.datasets import open_dataset
from ringrift.datasets.loader import Loader
from ringrift.evaluation.elo import Difference
from ringrift.evaluation.matches import PLIES_OF_A_TURN, MatchPlan, make_players, play_match
from ringrift.evaluation.participants import model_participant
from ringrift.evaluation.results import GameResult, interval
from ringrift.evaluation.sprt import elo_of
from ringrift.game import parse_config
from ringrift.game_database.pool import hash_actions
from ringrift.limits import move_limit
from ringrift.networks import InferenceSession, inference_device, load_model, read_id
from ringrift.run_context import Cancelled, RunContext
from ringrift.training import TrainingReport

BATCH: Final = 256
"""Positions of a call that is timed: a usual batch of a search."""
REPEATS: Final = 5


@dataclass(frozen=True)
class TeacherComparison:
    """A student beside one teacher, in games with the same search."""

    teacher: str
    games: int
    score: float
    """The mean score of the student."""
    low: float
    high: float
    """The upper end of its 95 % Wilson interval, by openings."""
    student_speed: float
    """The positions that the student's network evaluates a second."""
    teacher_speed: float

    @property
    def elo(self) -> Difference | None:
        """The Elo of the student less that of the teacher; None if the interval reaches to 0 or 1."""
        if not 0 < self.low <= self.score <= self.high < 1:
            return None
        return Difference(*map(elo_of, (self.score, self.low, self.high)))

    def __str__(self) -> str:
        """Return the comparison in words."""
        elo = self.elo
        kept = "no number of Elo" if elo is None else str(elo)
        return (
            f"beside {self.teacher}: {self.score:.1%} of {self.games} games ({self.low:.1%} … {self.high:.1%}), "
            f"{kept}, at {self.student_speed / self.teacher_speed:.1f} times the speed "
            f"({self.student_speed:,.0f} positions/s in place of {self.teacher_speed:,.0f})"
        )


@dataclass(frozen=True)
class DistillationReport:
    """The result of a distillation: the training, and the student beside its teachers."""

    training: TrainingReport
    form: str
    """The search in which student and teachers have played."""
    comparisons: tuple[TeacherComparison, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the report for machines."""
        compared = [
            asdict(comparison) | {"elo": comparison.elo and asdict(comparison.elo)} for comparison in self.comparisons
        ]
        return self.training.to_json() | {"form": self.form, "comparisons": compared}

    def lines(self) -> Iterator[str]:
        """Yield the comparisons for people."""
        for comparison in self.comparisons:
            yield f"as {self.form}, {comparison}"


def compare_with_teachers(
    config: str,
    student: Path,
    teachers: Sequence[Path],
    dataset: Path,
    context: RunContext[object],
    *,
    games: int,
    form: str,
) -> tuple[TeacherComparison, ...]:
    """Play a student against each of its teachers, `games` each, and time all on positions of the data set."""
    batch = next(iter(Loader(open_dataset(dataset), batch=BATCH, shuffle=False, augment=False)))
    inputs = [part.numpy() for part in (batch.features, batch.globals, batch.policy_offsets, batch.policy_actions)]
    speeds = {path: _speed(path, inputs) for path in (student, *teachers)}
    comparisons = []
    for teacher in teachers:
        results = _play(config, student, teacher, context, games=games, form=form)
        score = sum(game.score("student") for game in results) / len(results)
        bounds = interval(results, "student")
        comparisons.append(
            TeacherComparison(read_id(teacher), len(results), score, *bounds, speeds[student], speeds[teacher])
        )
    return tuple(comparisons)


def _play(
    config: str, student: Path, teacher: Path, context: RunContext[object], *, games: int, form: str
) -> list[GameResult]:
    seats = parse_config(config)[1]
    specs = (model_participant(student, form).spec, model_participant(teacher, form).spec)
    plan = MatchPlan(config, specs, 1, PLIES_OF_A_TURN * seats, move_limit(config))
    plan = replace(plan, openings=-(-games // plan.games))
    names = ("student", "teacher")
    results: list[GameResult] = []
    for played in play_match(make_players(plan), plan, cancellation=context.cancellation):
        seated = tuple(names[agent] for agent in played.scheduled.seating)
        block = str(played.scheduled.opening)
        results.append(GameResult(seated, played.ranks, block, hash_actions(played.actions)))
        context.progress("games with the teacher", len(results), plan.games)
    if len(results) < plan.games:
        raise Cancelled(f"stopped after {len(results)} of {plan.games} games with the teacher; the model is there")
    return results


def _speed(path: Path, inputs: Sequence[Any]) -> float:
    """Return the positions that a network evaluates a second of processor time, or of the clock on a GPU."""
    device = inference_device()
    session = InferenceSession(load_model(path), device=device)
    clock = time.process_time if device == "cpu" else time.perf_counter
    session.evaluate(*inputs)
    taken = []
    for _ in range(REPEATS):
        start = clock()
        session.evaluate(*inputs)
        taken.append(clock() - start)
    return len(inputs[0]) / max(statistics.median(taken), 1e-9)
