"""Population-based training (Jaderberg et al. 2017, arXiv:1711.09846), a generation after the other.

Every member of every generation is one file, written when its training is over. What a member does follows from the
files of the generation before and from seed, generation and member alone. So any number of processes, on any hosts that
see these files, can work on the same population; killed at any point, the same call goes on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from ringrift.bounded import read_bounded
from ringrift.files import alone, new_file
from ringrift.run_context import Cancelled, RunContext
from ringrift.tuning.training.errors import BadStudy, BusyStudy
from ringrift.tuning.training.experiment import Outcome
from ringrift.tuning.training.fitness import HIGHER_IS_BETTER
from ringrift.tuning.training.settings import PopulationSettings
from ringrift.tuning.training.space import FitnessKind, Space, Values

POLL_SECONDS: Final = 2.0
LARGEST_FILE: Final = 1 << 20
"""Bytes of the file of a member."""


@dataclass(frozen=True)
class Assignment:
    """The task of a member in a generation."""

    generation: int
    member: int
    values: Values
    source: int | None
    """The member of the generation before from whose checkpoint it goes on; None in the first generation."""
    source_model: str | None
    seed: int

    @property
    def exploits(self) -> bool:
        """Whether it goes on from another member, having given up what it was."""
        return self.source is not None and self.source != self.member


@dataclass(frozen=True)
class MemberResult:
    """The result of a member in a generation."""

    generation: int
    member: int
    values: Values
    source: int | None
    outcome: Outcome

    def to_json(self) -> dict[str, Any]:
        """Return all of it in JSON's types."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> MemberResult:
        """Return a result that `to_json` has written; `KeyError` or `TypeError` for what is none."""
        return cls(**{**fields, "outcome": Outcome.from_json(fields["outcome"])})


Trainer = Callable[[Assignment], Outcome]
"""A function that trains a member for a generation."""


@dataclass(frozen=True)
class Population:
    """A population in its folder."""

    folder: Path
    space: Space
    fitness: FitnessKind
    settings: PopulationSettings

    def path(self, generation: int, member: int) -> Path:
        """Return where the result of a member is."""
        return self.folder / result_place(generation, member)

    def begin(self, identity: Mapping[str, Any]) -> None:
        """Write down what the population is; `BadStudy` if the folder holds another one."""
        text = json.dumps(
            {"experiment": identity, "settings": self.settings.model_dump()}, sort_keys=True, allow_nan=False
        )
        digest = hashlib.sha256(text.encode()).hexdigest()
        path = self.folder / "population.json"
        if path.exists():
            if _read(path).get("digest") != digest:
                raise BadStudy(
                    f"{self.folder}: holds a population with other settings, games or hyper-parameters; give this one "
                    "another --name"
                )
            return
        with new_file(path) as file:
            file.write(orjson.dumps(json.loads(text) | {"digest": digest}, option=orjson.OPT_INDENT_2))

    def result(self, generation: int, member: int) -> MemberResult | None:
        """Return the result of a member; None while there is none."""
        return read_result(self.path(generation, member))

    def results(self, generation: int) -> list[MemberResult]:
        """Return the results of a generation that are there, by member."""
        results = (self.result(generation, member) for member in range(self.settings.members))
        return [result for result in results if result is not None]

    def assignment(self, generation: int, member: int) -> Assignment:
        """Return the task of a member; `BadStudy` if the generation before is not over."""
        settings = self.settings
        if not (0 <= generation < settings.generations and 0 <= member < settings.members):
            raise BadStudy(
                f"there is no member {member} of generation {generation}: members are 0 to {settings.members - 1}, "
                f"generations 0 to {settings.generations - 1}"
            )
        rng = np.random.default_rng((settings.seed, generation, member))
        seed = int(rng.integers(2**31))
        if generation == 0:
            values = self.space.start if member == 0 else self.space.draw(rng)
            return Assignment(generation, member, values, None, None, seed)
        before = self.results(generation - 1)
        if len(before) < settings.members:
            missing = settings.members - len(before)
            raise BadStudy(f"{self.folder}: {missing} members of generation {generation - 1} are not trained yet")
        source = choose_source(before, member, self.fitness, settings.truncation, rng)
        values = dict(before[source].values)
        if source != member:
            values = explore(self.space, values, settings, rng)
        return Assignment(generation, member, values, source, before[source].outcome.model, seed)

    def train_member(self, generation: int, member: int, trainer: Trainer) -> MemberResult:
        """Train a member, unless that has been done; `BusyStudy` if another process is at it."""
        path = self.path(generation, member)
        busy = BusyStudy(f"{path}: another process is training that member; wait for it, or stop it")
        with alone(path.with_suffix(".lock"), path, busy):
            if (known := self.result(generation, member)) is not None:
                return known
            task = self.assignment(generation, member)
            result = MemberResult(generation, member, dict(task.values), task.source, trainer(task))
            with new_file(path) as file:
                file.write(orjson.dumps(result.to_json(), option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY))
            return result

    def train(self, trainer: Trainer, context: RunContext[Any]) -> None:
        """Train all generations, side by side with other processes that do the same; raises `Cancelled`."""
        settings = self.settings
        total = settings.members * settings.generations
        for generation in range(settings.generations):
            while len(done := self.results(generation)) < settings.members:
                context.progress(
                    "members", generation * settings.members + len(done), total, self._progress_detail(generation)
                )
                if context.cancelled:
                    raise Cancelled("stopped between two members; run it again to go on")
                missing = set(range(settings.members)) - {result.member for result in done}
                if not self._train_one(generation, sorted(missing), trainer):
                    context.cancellation.wait(POLL_SECONDS)
        context.progress("members", total, total, self._progress_detail(settings.generations - 1))

    def _train_one(self, generation: int, missing: Sequence[int], trainer: Trainer) -> bool:
        """Train the first of some members that no other process is at; return whether there was one."""
        for member in missing:
            try:
                self.train_member(generation, member, trainer)
            except BusyStudy:
                continue
            return True
        return False

    def _progress_detail(self, generation: int) -> str:
        best = best_of(self.results(generation), self.fitness)
        title = f"generation {generation}"
        return title if best is None else f"{title}, best {self.fitness} {best.outcome.fitness:.4g}"


def population_folder(name: str) -> str:
    """Return the folder of a population by its name."""
    return f"population-{name}"


def result_place(generation: int, member: int) -> str:
    """Return where the result of a member is in the folder of its population."""
    return f"generation-{generation:03d}/member-{member:03d}.json"


def read_result(path: Path) -> MemberResult | None:
    """Read the result of a member; None if there is none, `BadStudy` if it is damaged."""
    if not path.exists():
        return None
    fields = _read(path)
    try:
        return MemberResult.from_json(fields)
    except (KeyError, TypeError, AttributeError):
        raise BadStudy(f"{path}: is no result of a member; delete it, and the member is trained again") from None


def choose_source(
    results: Sequence[MemberResult], member: int, fitness: FitnessKind, truncation: float, rng: np.random.Generator
) -> int:
    """Return the source of a member: itself, or one of the best if it is among the worst, or has failed.

    Raises `BadStudy` if all have failed.
    """
    sign = 1 if HIGHER_IS_BETTER[fitness] else -1
    alive = [result for result in results if result.outcome.fitness is not None]
    if not alive:
        raise BadStudy("all members have failed: their hyper-parameters are too far off; search closer to those in use")
    ranked = sorted(alive, key=lambda result: (-sign * (result.outcome.fitness or 0.0), result.member))
    cut = max(1, round(truncation * len(results)))
    best = [result.member for result in ranked[:cut]]
    stays = [result.member for result in ranked[: max(len(results) - cut, 1)]]
    return member if member in stays else best[int(rng.integers(len(best)))]


def explore(space: Space, values: Values, settings: PopulationSettings, rng: np.random.Generator) -> dict[str, Any]:
    """Return values near others: every one is moved, or now and then drawn afresh."""
    explored = {}
    for name, value in values.items():
        fresh, factor = rng.random() < settings.resample, float(rng.choice(settings.perturb))
        explored[name] = space.draw_one(name, rng) if fresh else space.moved(name, value, factor)
    return explored


def best_of(results: Sequence[MemberResult], fitness: FitnessKind) -> MemberResult | None:
    """Return the best of some members; None if none has a fitness."""
    sign = 1 if HIGHER_IS_BETTER[fitness] else -1
    alive = [result for result in results if result.outcome.fitness is not None]
    return max(alive, key=lambda result: (sign * (result.outcome.fitness or 0.0), -result.member), default=None)


def _read(path: Path) -> dict[str, Any]:
    """Read a file of a population; `BadStudy` if it is not what was written."""
    try:
        content = orjson.loads(read_bounded(path, LARGEST_FILE))
    except (OSError, ValueError) as error:
        raise BadStudy(f"{path}: cannot be read ({' '.join(str(error).split())})") from None
    if not isinstance(content, dict):
        raise BadStudy(f"{path}: is not what was written there")
    return content
