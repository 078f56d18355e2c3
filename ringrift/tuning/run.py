"""A run of tuning on disk: its plan, and a log of questions and answers that survives a kill at any moment.

`run.json` is the plan, and names the run: the same plan asks the same questions anywhere, and takes the same answers.
`log.jsonl` has a line for every question and one for every candidate's answer, in any order:

    {"question": 7, "start": 0, "generation": 7, "openings": 16, "sigma": 0.31, "mean": […], "candidates": [[…], …]}
    {"question": 7, "candidate": 3, "score": 0.53, "variance": 0.004, "games": 32, "seconds": 0.1}

A line that a kill has cut off is taken away. All other lines have to fit: the run is replayed with them, and a question
that is another one now means that plan, log or the strategy's package has changed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from ringrift.bounded import MEGABYTE, read_bounded
from ringrift.errors import Busy, RingRiftError
from ringrift.files import alone, new_file
from ringrift.heuristic import FEATURE_COUNT
from ringrift.kernels.types import F64
from ringrift.settings import check_settings
from ringrift.strict_json import BadJson, parse_json
from ringrift.tuning.evolution import Answer, Plan, Question, evolve
from ringrift.tuning.settings import EvolutionSettings

LARGEST_LOG: Final = 1000 * MEGABYTE
TOLERANCE: Final = 1e-4
"""The largest difference of a question from the log's: another machine adds up in another order."""


class BadRun(RingRiftError):
    """A run that is not there, is another one, or whose log does not fit."""


@dataclass(frozen=True)
class CandidateAnswer:
    """The score of one candidate."""

    question: int
    candidate: int
    score: float
    variance: float
    games: int
    seconds: float
    """Processor time."""


class TuningRun:
    """A run that asks and is answered; what has been answered is on disk when the call returns."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        """Go on with the run of a folder from all that its log has."""
        self.folder = folder
        self.plan = plan
        self.id = plan_id(plan)
        self.log = folder / "log.jsonl"
        self.past: list[tuple[Question, Answer]] = []
        """All questions that are answered whole."""
        self.answers: dict[int, CandidateAnswer] = {}
        """Those to the question that is open, by candidate."""
        self.best: F64 | None = None
        """The best weights, once the run is finished."""
        self.games = 0
        self.seconds = 0.0
        self._evolution = evolve(plan)
        self.question: Question | None = next(self._evolution)
        """The open question; None once the run is finished."""
        self._logged_questions: dict[int, dict[str, Any]] = {}
        self._logged_answers: dict[int, dict[int, CandidateAnswer]] = {}
        self._read()
        self._catch_up()

    @property
    def number(self) -> int:
        """The number of the open question."""
        return len(self.past)

    @property
    def questions(self) -> int:
        """The number of questions in all: every generation of every start, and its check."""
        settings = self.plan.settings
        return (settings.restarts + 1) * (settings.generations + 1)

    @property
    def open_candidates(self) -> list[int]:
        """The candidates of the open question that have no answer yet."""
        if self.question is None:
            return []
        return [index for index in range(len(self.question.candidates)) if index not in self.answers]

    def ask(self) -> Question | None:
        """Write the open question to the log, if it is not there, and return it."""
        if self.question is not None and self.number not in self._logged_questions:
            self._logged_questions[self.number] = _question_line(self.number, self.question)
            self._append(self._logged_questions[self.number])
        return self.question

    def tell(self, answer: CandidateAnswer) -> None:
        """Take an answer; one to a question that is closed, or that is there already, changes nothing."""
        if self.question is None or answer.question != self.number or answer.candidate in self.answers:
            return
        if answer.candidate not in range(len(self.question.candidates)):
            raise BadRun(f"{self.log}: question {answer.question} has no candidate {answer.candidate}")
        self._append(asdict(answer))
        self._logged_answers.setdefault(answer.question, {})[answer.candidate] = answer
        self._catch_up()

    def _append(self, line: dict[str, Any]) -> None:
        """Append a line that is on disk when the call returns."""
        with self.log.open("ab") as file:
            file.write(orjson.dumps(line) + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def _read(self) -> None:
        """Read the log and take away a line that was cut off."""
        if not self.log.exists():
            return
        content = read_bounded(self.log, LARGEST_LOG)
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(self.log, whole)
        for number, line in enumerate(content[:whole].splitlines(), 1):
            try:
                fields = parse_json(line)
                if "candidate" in fields:
                    answer = CandidateAnswer(**fields)
                    self._logged_answers.setdefault(answer.question, {})[answer.candidate] = answer
                else:
                    self._logged_questions[int(fields["question"])] = fields
            except (BadJson, KeyError, TypeError, ValueError) as error:
                raise BadRun(f"{self.log}: line {number} is no question and no answer ({error})") from None

    def _catch_up(self) -> None:
        """Replay the logged answers up to the first question that lacks some."""
        while self.question is not None:
            self._compare(self.question)
            self.answers = self._logged_answers.get(self.number, {})
            count = len(self.question.candidates)
            if len(self.answers) < count:
                return
            ordered = [self.answers[index] for index in range(count)]
            answer = Answer(
                np.array([result.score for result in ordered]), np.array([result.variance for result in ordered])
            )
            self.games += sum(result.games for result in ordered)
            self.seconds += sum(result.seconds for result in ordered)
            self.past.append((self.question, answer))
            self.answers = {}
            try:
                self.question = self._evolution.send(answer)
            except StopIteration as end:
                self.question, self.best = None, end.value

    def _compare(self, question: Question) -> None:
        """Refuse a log whose question differs from the one that follows from its answers."""
        logged = self._logged_questions.get(self.number)
        if logged is not None:
            expected = np.array(logged.get("candidates"), float)
            if expected.shape != question.candidates.shape or abs(expected - question.candidates).max() > TOLERANCE:
                raise BadRun(
                    f"{self.log}: question {self.number} is another one than this version asks; begin a new run"
                )


def _question_line(number: int, question: Question) -> dict[str, Any]:
    return {
        "question": number,
        "start": question.start,
        "generation": question.generation,
        "openings": question.games.openings,
        "sigma": question.sigma,
        "mean": question.mean.tolist(),
        "candidates": question.candidates.tolist(),
    }


@contextmanager
def open_run(folder: Path, plan: Plan) -> Iterator[TuningRun]:
    """Begin the run of a folder, or go on with it; no other process can meanwhile.

    `BadRun` if the folder holds a run with another plan, `Busy` if another process works on it.
    """
    busy = Busy(f"{folder}: another process works on this run; wait for it, or name another with --run")
    with alone(folder / ".lock", folder, busy):
        path = folder / "run.json"
        if not path.exists():
            with new_file(path) as file:
                file.write(orjson.dumps(_plan_json(plan), option=orjson.OPT_INDENT_2))
        elif (began := read_plan(folder)) != plan:
            raise other_run(path, _plan_json(began), _plan_json(plan))
        yield TuningRun(folder, plan)


def has_plan(folder: Path) -> bool:
    """Return whether a folder holds a run."""
    return (folder / "run.json").exists()


def plan_id(plan: Plan) -> str:
    """Return a name for a plan, the same for the same plan: 16 hexadecimal digits."""
    return digest(_plan_json(plan))


def digest(plan: dict[str, Any]) -> str:
    """Return a name for a plan in JSON's types, the same for the same plan: 16 hexadecimal digits."""
    return sha256(orjson.dumps(plan, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def other_run(path: Path, began: dict[str, Any], asked: dict[str, Any]) -> BadRun:
    """Return the error of a folder whose run began with another plan, both in JSON's types."""
    before, now = _flat(began), _flat(asked)
    others = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    return BadRun(
        f"{path}: holds a run with other settings ({', '.join(others)}); give the same, or name another run with --run"
    )


def _flat(plan: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a plan, and those of its settings, by name."""
    settings = plan.get("settings")
    return {**plan, **settings, "settings": None} if isinstance(settings, dict) else plan


def read_plan(folder: Path) -> Plan:
    """Return the plan of a run; `BadRun` if there is none."""
    path = folder / "run.json"
    try:
        fields = parse_json(read_bounded(path, MEGABYTE))
        settings = check_settings(fields.pop("settings"), EvolutionSettings, str(path))
        fields.setdefault("in_use", fields["start"])  # of a run that began when only its start was in the panel
        weights = {name: tuple(fields[name]) for name in ("frozen", "in_use", "start")}
        plan = Plan(**{**fields, **weights}, settings=settings)
    except FileNotFoundError:
        raise BadRun(f"{path}: there is no such run") from None
    except (BadJson, KeyError, TypeError, AttributeError) as error:
        raise BadRun(f"{path}: is no plan of a run ({error})") from None
    if {len(plan.frozen), len(plan.in_use), len(plan.start)} != {FEATURE_COUNT}:
        raise BadRun(f"{path}: has {len(plan.start)} weights, and there are {FEATURE_COUNT} features: begin a new run")
    return plan


def _plan_json(plan: Plan) -> dict[str, Any]:
    return asdict(plan) | {"settings": plan.settings.model_dump()}
