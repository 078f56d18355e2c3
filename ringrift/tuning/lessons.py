"""The folder of a comparison training: its lessons and the scores of its selection, so that no game is played twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from zipfile import BadZipFile

import numpy as np
import orjson

from ringrift.bounded import MEGABYTE, read_bounded
from ringrift.errors import Busy
from ringrift.files import alone, new_file
from ringrift.heuristic import Weights
from ringrift.kernels.types import F64
from ringrift.run_context import RunContext
from ringrift.strict_json import BadJson, parse_json
from ringrift.tuning.fitness import Fitness, Games
from ringrift.tuning.rollouts import Rollouts, roll_out
from ringrift.tuning.run import BadRun, digest, other_run
from ringrift.tuning.settings import ComparisonSettings
from ringrift.tuning.teacher import Choices, play_teacher

LessonT = TypeVar("LessonT", Choices, Rollouts)


@dataclass(frozen=True)
class Lessons:
    """All that weights are fitted to."""

    choices: Choices
    rollouts: Rollouts

    @property
    def results(self) -> tuple[F64, F64]:
        """The features `[n, F]` of rollouts, and the share of a victory that their players came to, `[n]`."""
        return _rows(self.rollouts.features, self.rollouts.values)

    @property
    def values(self) -> tuple[F64, F64]:
        """The features `[n, F]` of the search's positions, and the share of a victory that it expected, `[n]`."""
        return _rows(self.choices.positions, self.choices.values)


def _rows(features: F64, values: F64) -> tuple[F64, F64]:
    """Return a row for every player, `[n, F]`, and the share of a victory, `[n]`; of two players the first says all."""
    seats = 1 if features.shape[1] == 2 else features.shape[1]
    return features[:, :seats].reshape(-1, features.shape[2]), (values[:, :seats].ravel() + 1) / 2


@dataclass(frozen=True)
class ComparisonPlan:
    """The plan of a comparison training."""

    config: str
    start: tuple[float, ...]
    """`[F]`, the weights that play the lessons, and that the fits are held to."""
    seed: int
    settings: ComparisonSettings

    def to_json(self) -> dict[str, Any]:
        """Return the plan in JSON's types."""
        return asdict(self) | {"start": list(self.start), "settings": self.settings.model_dump(mode="json")}


def comparison_name(plan: ComparisonPlan) -> str:
    """Return the name of a run that has none: other settings, or other weights in use, make another one."""
    return f"comparison-{plan.seed}-{digest(plan.to_json())[:8]}"


@contextmanager
def comparison_folder(folder: Path, plan: ComparisonPlan) -> Iterator[Path]:
    """Begin the run of a folder, or go on with it.

    `BadRun` if it holds a run with another plan, `Busy` if another process works on it.
    """
    busy = Busy(f"{folder}: another process works on this run; wait for it, or name another with --run")
    with alone(folder / ".lock", folder, busy):
        path = folder / "plan.json"
        if not path.exists():
            with new_file(path) as file:
                file.write(orjson.dumps(plan.to_json(), option=orjson.OPT_INDENT_2))
        elif (began := _read(path)) != plan.to_json():
            raise other_run(path, began, plan.to_json())
        yield folder


def _read(path: Path) -> dict[str, Any]:
    try:
        fields = parse_json(read_bounded(path, MEGABYTE))
    except BadJson as error:
        raise BadRun(f"{path}: is no plan of a run ({error})") from None
    if not isinstance(fields, dict):
        raise BadRun(f"{path}: is no plan of a run")
    return fields


def learn_lessons(folder: Path, plan: ComparisonPlan, context: RunContext[object]) -> Lessons:
    """Play all lessons of a plan that the folder does not hold yet; raises `Cancelled`."""
    settings = plan.settings
    start: Weights = np.array(plan.start)

    def choices() -> Choices:
        games = (settings.games, settings.nodes, settings.blunders)
        return play_teacher(plan.config, start, *games, plan.seed, context)

    def rollouts() -> Rollouts:
        return roll_out(plan.config, start, settings.rollouts, settings.temperature, plan.seed, context)

    return Lessons(_kept(folder / "choices.npz", Choices, choices), _kept(folder / "rollouts.npz", Rollouts, rollouts))


def _kept(path: Path, kind: type[LessonT], play: Callable[[], LessonT]) -> LessonT:
    """Return what a file holds, or, if there is none, play it and write the file."""
    names = [field.name for field in fields(kind)]
    if path.exists():
        with _opened(path) as file, np.load(file, allow_pickle=False) as arrays:
            return kind(**{name: arrays[name] for name in names})
    lesson = play()
    with new_file(path) as written:
        np.savez(written, **{name: getattr(lesson, name) for name in names})
    return lesson


def kept_scores(folder: Path, name: str, fitness: Fitness) -> Fitness:
    """Return a fitness whose scores are kept in a folder under a name: the same games are not played again."""

    def score(candidates: F64, panel: F64, games: Games) -> F64:
        asked = sha256(np.concatenate([candidates, panel]).tobytes()).hexdigest()[:16]
        path = folder / f"{name}-{games.seed}-{games.openings}-{asked}.npy"
        if not path.exists():
            scores = fitness(candidates, panel, games)
            with new_file(path) as file:
                np.save(file, scores)
        with _opened(path) as file:
            kept: F64 = np.load(file, allow_pickle=False)
        return kept

    return score


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file of arrays; `BadRun` in place of errors of reading it inside the block."""
    try:
        with path.open("rb") as file:
            yield file
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise BadRun(f"{path}: cannot be read ({error}); remove it, and it is played again") from None
