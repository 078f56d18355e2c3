"""The open question of a run in parts, for processes and hosts that do not have the run; and their answers.

A part is a self-contained JSON text: config, evaluator, candidates, panel, openings. Every process that answers it
comes to the same scores, however often, so a host that dies costs time and nothing else.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import orjson

from ringrift.bounded import MEGABYTE, read_bounded
from ringrift.errors import RingRiftError
from ringrift.game.boards import parse_config
from ringrift.heuristic import FEATURE_COUNT
from ringrift.kernels.types import F64
from ringrift.run_context import Cancelled, RunContext
from ringrift.strict_json import BadJson, parse_json
from ringrift.tuning.fitness import GAME_EVALUATORS, Games, game_fitness
from ringrift.tuning.heuristic import answer_candidate
from ringrift.tuning.run import CandidateAnswer, TuningRun

MOST_CANDIDATES: Final = 1000
MOST_OPENINGS: Final = 100_000
MOST_NODES: Final = 10**9
MOST_LETTERS: Final = 64


class BadPart(RingRiftError):
    """A part of a question, or an answer, that is none."""


@dataclass(frozen=True, eq=False)
class Part:
    """Some candidates of a question, and all that is needed to play their games."""

    config: str
    run: str
    """The id of the run that asks; its answers carry it."""
    question: int
    candidates: dict[int, F64]
    """Weights `[F]` by the number of the candidate in the question."""
    panel: F64
    """`[P, F]`."""
    games: Games
    evaluator: str
    nodes: int

    def to_text(self) -> str:
        """Return the part as a line of JSON."""
        fields = {
            "config": self.config,
            "run": self.run,
            "question": self.question,
            "candidates": {str(index): row.tolist() for index, row in self.candidates.items()},
            "panel": self.panel.tolist(),
            "openings": self.games.openings,
            "seed": self.games.seed,
            "evaluator": self.evaluator,
            "nodes": self.nodes,
        }
        return orjson.dumps(fields).decode()


def open_parts(run: TuningRun, count: int) -> list[Part]:
    """Return the candidates of the open question that have no answer yet, in at most `count` parts of the same size."""
    settings = run.plan.settings
    if settings.evaluator == "network":
        raise BadPart("agreement with a network is computed where the games are: run `ringrift tune heuristic` there")
    question = run.ask()
    if question is None:
        return []
    indices = run.open_candidates
    return [
        Part(
            run.plan.config,
            run.id,
            run.number,
            {index: question.candidates[index] for index in share},
            question.panel,
            question.games,
            settings.evaluator,
            settings.nodes,
        )
        for share in (indices[part::count] for part in range(count))
        if share
    ]


def read_part(text: str) -> Part:
    """Return the part that a text describes; `BadPart` says what is wrong with it."""
    try:
        fields = parse_json(text)
        part = Part(
            config=str(fields["config"]),
            run=_name(fields["run"]),
            question=_whole(fields["question"], 10**9),
            candidates={int(index): _rows([row])[0] for index, row in fields["candidates"].items()},
            panel=_rows(fields["panel"]),
            games=Games(_whole(fields["openings"], MOST_OPENINGS), _whole(fields["seed"], 2**63 - 1)),
            evaluator=str(fields["evaluator"]),
            nodes=_whole(fields["nodes"], MOST_NODES),
        )
    except (BadJson, KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadPart(f"a part of a question that cannot be read ({error}); `ringrift tune ask` writes them") from None
    parse_config(part.config)
    if part.evaluator not in GAME_EVALUATORS or not 0 < len(part.candidates) <= MOST_CANDIDATES:
        raise BadPart("a part of a question without candidates, or with an unknown evaluator")
    return part


class Answers(NamedTuple):
    """The answers to a part of a question, and the id of the run that has asked."""

    run: str
    candidates: list[CandidateAnswer]

    def to_json(self) -> dict[str, Any]:
        """Return the answers in JSON's types, as `read_answers` takes them."""
        return {"run": self.run, "answers": [asdict(answer) for answer in self.candidates]}


def answer_part(part: Part, context: RunContext[object]) -> Answers:
    """Play the games of all candidates of a part; raises `Cancelled`, and then nothing is answered."""
    fitness = game_fitness(part.config, part.evaluator, part.nodes)
    answers: list[CandidateAnswer] = []
    for index, weights in part.candidates.items():
        context.progress("candidates", len(answers), len(part.candidates))
        if context.cancelled:
            raise Cancelled(f"stopped after {len(answers)} of {len(part.candidates)} candidates; ask again")
        answers.append(answer_candidate(fitness, part.config, part.question, index, weights, part.panel, part.games))
    return Answers(part.run, answers)


def read_answers(text: str) -> Answers:
    """Return the answers that a text describes; `BadPart` says what is wrong with it."""
    try:
        fields = parse_json(text)
        candidates = [
            CandidateAnswer(
                question=_whole(answer["question"], 10**9),
                candidate=_whole(answer["candidate"], MOST_CANDIDATES),
                score=_share(answer["score"]),
                variance=_share(answer["variance"]),
                games=_whole(answer["games"], 10**9),
                seconds=max(0.0, float(answer["seconds"])),
            )
            for answer in fields["answers"]
        ]
        return Answers(_name(fields["run"]), candidates)
    except (BadJson, KeyError, TypeError, ValueError) as error:
        raise BadPart(f"answers that cannot be read ({error}); `ringrift tune answer` writes them") from None


def tell_run(run: TuningRun, answers: Answers) -> None:
    """Tell a run what has been answered; `BadPart` if another run has asked."""
    if answers.run != run.id:
        raise BadPart(f"{run.folder}: these answers are to another run, {answers.run}; this one is {run.id}")
    for answer in answers.candidates:
        run.tell(answer)


def lines_of(argument: str) -> list[str]:
    """Return the lines of JSON in an argument: its own, or those of the file that it names; `-` is the standard input.

    `BadPart` if the file cannot be read.
    """
    if argument.lstrip().startswith("{"):
        return _lines(argument)
    try:
        content = sys.stdin.buffer.read(MEGABYTE + 1) if argument == "-" else read_bounded(Path(argument), MEGABYTE)
    except OSError as error:
        raise BadPart(f"{argument}: cannot be read ({error.strerror or error})") from None
    if len(content) > MEGABYTE:
        raise BadPart(f"{argument}: is longer than {MEGABYTE:,} bytes")
    return _lines(content.decode(errors="replace"))


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _rows(rows: Any) -> F64:
    """Return rows of weights, `[…, F]`; `ValueError` if they are none."""
    array = np.array(rows, float)
    if array.ndim != 2 or array.shape[1] != FEATURE_COUNT or not np.isfinite(array).all():
        raise ValueError(f"weights are lists of {FEATURE_COUNT} finite numbers")
    return array


def _name(value: Any) -> str:
    """Return a text of at most `MOST_LETTERS`; `ValueError` if it is none."""
    if not isinstance(value, str) or len(value) > MOST_LETTERS:
        raise ValueError(f"{value!r:.80} is no name of at most {MOST_LETTERS} letters")
    return value


def _whole(value: Any, most: int) -> int:
    """Return a whole number from 0 to `most`; `ValueError` if it is none."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise ValueError(f"{value!r} is no whole number from 0 to {most}")
    return value


def _share(value: Any) -> float:
    """Return a number from 0 to 1; `ValueError` if it is none."""
    number = float(value)
    if not 0 <= number <= 1:
        raise ValueError(f"{value!r} is no number from 0 to 1")
    return number
