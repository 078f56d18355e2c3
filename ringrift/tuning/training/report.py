"""Reports of a search or a population: as JSON, as Markdown and as pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from ringrift.files import new_file
from ringrift.tuning.training.confirm import Confirmation
from ringrift.tuning.training.experiment import Outcome
from ringrift.tuning.training.fitness import HIGHER_IS_BETTER
from ringrift.tuning.training.population import MemberResult, best_of
from ringrift.tuning.training.space import FitnessKind, Values

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from optuna.trial import FrozenTrial

STATES: Final = {"COMPLETE": "trained", "PRUNED": "given up", "RUNNING": "running", "WAITING": "waiting"}
"""The states of trials in Optuna and in words. Those of FAIL were broken off, and stand in the queue again."""


@dataclass(frozen=True)
class TrialRow:
    """A trial of a study."""

    number: int
    state: str
    """One of the values of `STATES`."""
    values: Values
    outcome: Outcome | None
    curve: tuple[tuple[int, float], ...]
    """The loss of every validation, by its number."""


@dataclass(frozen=True)
class SearchReport:
    """A study and its results."""

    config: str
    study: str
    fitness: FitnessKind
    command: str
    start: Values
    """The values in use."""
    trials: tuple[TrialRow, ...]
    confirmation: Confirmation | None = None

    @property
    def best(self) -> TrialRow | None:
        """The best trial that came to its end."""
        sign = 1 if HIGHER_IS_BETTER[self.fitness] else -1
        ended = [row for row in self.trials if row.state == "trained"]
        return max(ended, key=lambda row: sign * fitness_of(row), default=None)

    @property
    def used(self) -> TrialRow | None:
        """The trial of the values in use."""
        same = (row for row in self.trials if row.values == self.start and row.state == "trained")
        return next(same, None)

    @property
    def cpu_seconds(self) -> float:
        """The time that trials have computed."""
        return sum(row.outcome.cpu_seconds for row in self.trials if row.outcome)

    def to_json(self) -> dict[str, Any]:
        """Return the report for machines."""
        best, used = self.best, self.used
        return asdict(self) | {
            "best": None if best is None else best.number,
            "used": None if used is None else used.number,
            "cpu_seconds": self.cpu_seconds,
            "confirmation": self.confirmation and self.confirmation.to_json(),
        }

    def lines(self) -> Iterator[str]:
        """Yield the results in words."""
        counts = {state: sum(row.state == state for row in self.trials) for state in STATES.values()}
        states = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
        yield f"study {self.study} of {self.config}: {states}; {self.cpu_seconds / 60:.1f} minutes of CPU in trials"
        if (used := self.used) is not None:
            yield f"in use: {self.fitness} {fitness_of(used):.4f} (trial {used.number})"
        if (best := self.best) is not None:
            yield f"best: {self.fitness} {fitness_of(best):.4f} (trial {best.number}): {in_words(best.values)}"
        if self.confirmation is not None:
            yield self.confirmation.verdict

    def markdown(self) -> str:
        """Return the report as a page that shows `report.png`."""
        names = list(self.start)
        headings = ("trial", "state", self.fitness, "hold-out loss", *names, "run", "CPU s")
        rows = [trial_row(row, names) for row in ranked(self.trials, self.fitness)]
        parts = [
            f"# Search of hyper-parameters {self.study} ({self.config})",
            f"```\n{self.command}\n```",
            "\n".join(f"- {line}" for line in self.lines()),
            "![Fitness by trial, losses of all trials, fitness by hyper-parameter](report.png)",
            table(headings, rows),
        ]
        return "\n\n".join(parts) + "\n"


@dataclass(frozen=True)
class PopulationReport:
    """A population and its results."""

    config: str
    name: str
    fitness: FitnessKind
    command: str
    members: int
    generations: int
    results: tuple[MemberResult, ...]
    """The results by generation and member."""
    confirmation: Confirmation | None = None

    @property
    def best(self) -> MemberResult | None:
        """The best member of the last generation that has one."""
        last = max((result.generation for result in self.results), default=0)
        return best_of([result for result in self.results if result.generation == last], self.fitness)

    @property
    def exploits(self) -> int:
        """The number of times that a member has gone on from another one."""
        return sum(result.source not in (None, result.member) for result in self.results)

    def ancestry(self, result: MemberResult) -> list[MemberResult]:
        """Return a member and what it goes back to, the latest first."""
        by_place = {(row.generation, row.member): row for row in self.results}
        line = [result]
        while line[-1].source is not None:
            line.append(by_place[line[-1].generation - 1, line[-1].source])
        return line

    def to_json(self) -> dict[str, Any]:
        """Return the report for machines."""
        best = self.best
        return asdict(self) | {
            "best": None if best is None else [best.generation, best.member],
            "ancestry": []
            if best is None
            else [[ancestor.generation, ancestor.member] for ancestor in self.ancestry(best)],
            "model": best and best.outcome.model,
            "confirmation": self.confirmation and self.confirmation.to_json(),
        }

    def lines(self) -> Iterator[str]:
        """Yield the results in words."""
        cpu = sum(result.outcome.cpu_seconds for result in self.results) / 60
        yield (
            f"population {self.name} of {self.config}: {len(self.results)} of {self.members * self.generations} "
            f"trainings, {self.exploits} of which went on from another member; {cpu:.1f} minutes of CPU"
        )
        if (best := self.best) is not None:
            yield (
                f"best: member {best.member} of generation {best.generation}, {self.fitness} "
                f"{best.outcome.fitness:.4f}, model {best.outcome.model}"
            )
            for ancestor in self.ancestry(best):
                yield f"generation {ancestor.generation}: member {ancestor.member}, {in_words(ancestor.values)}"
        if self.confirmation is not None:
            yield self.confirmation.verdict

    def markdown(self) -> str:
        """Return the report as a page that shows `report.png`."""
        names = list(self.results[0].values) if self.results else []
        headings = ("generation", "member", "from", self.fitness, *names, "model")
        rows = [
            (
                str(result.generation),
                str(result.member),
                "–" if result.source is None else str(result.source),
                "–" if result.outcome.fitness is None else f"{result.outcome.fitness:.4f}",
                *(shown(result.values[name]) for name in names),
                result.outcome.model or result.outcome.ended,
            )
            for result in self.results
        ]
        parts = [
            f"# Population {self.name} ({self.config})",
            f"```\n{self.command}\n```",
            "\n".join(f"- {line}" for line in self.lines()),
            "![Fitness and hyper-parameters by generation](report.png)",
            table(headings, rows),
        ]
        return "\n\n".join(parts) + "\n"


TuningReport = SearchReport | PopulationReport


def trial_rows(trials: Sequence[FrozenTrial], fitness: FitnessKind) -> tuple[TrialRow, ...]:
    """Return the trials of a study as rows; what was broken off and queued again stands there once."""
    sign = -1.0 if HIGHER_IS_BETTER[fitness] else 1.0
    return tuple(
        TrialRow(
            number=trial.number,
            state=STATES[trial.state.name],
            values=dict(trial.params),
            outcome=Outcome.from_json(trial.user_attrs["outcome"]) if "outcome" in trial.user_attrs else None,
            curve=tuple((number, sign * value) for number, value in sorted(trial.intermediate_values.items())),
        )
        for trial in trials
        if trial.state.name != "FAIL"
    )


def write_report(report: TuningReport, figure: Figure, folder: Path) -> list[Path]:
    """Write `report.json`, `report.md` and `report.png`, each whole or not at all; return their paths."""
    paths = [folder / f"report.{kind}" for kind in ("json", "md", "png")]
    with new_file(paths[0]) as file:
        file.write(orjson.dumps(report.to_json(), option=orjson.OPT_INDENT_2))
    with new_file(paths[1]) as file:
        file.write(report.markdown().encode())
    with new_file(paths[2]) as file:
        figure.savefig(file, format="png", dpi=120)
    return paths


def ranked(rows: Sequence[TrialRow], fitness: FitnessKind) -> list[TrialRow]:
    """Return trials, the best first; those without a fitness last, by the last loss that was measured."""
    sign = 1 if HIGHER_IS_BETTER[fitness] else -1

    def key(row: TrialRow) -> tuple[bool, float]:
        if row.outcome is not None and row.outcome.fitness is not None:
            return False, -sign * row.outcome.fitness
        return True, row.curve[-1][1] if row.curve else float("inf")

    return sorted(rows, key=key)


def fitness_of(row: TrialRow) -> float:
    """Return the fitness of a trial that has one."""
    assert row.outcome is not None
    assert row.outcome.fitness is not None
    return row.outcome.fitness


def trial_row(row: TrialRow, names: Sequence[str]) -> tuple[str, ...]:
    """Return the cells of a trial."""
    outcome = row.outcome
    fitness = "–" if outcome is None or outcome.fitness is None else f"{outcome.fitness:.4f}"
    loss = outcome.loss if outcome and outcome.loss is not None else row.curve[-1][1] if row.curve else None
    return (
        str(row.number),
        row.state,
        fitness,
        "–" if loss is None else f"{loss:.4f}",
        *(shown(row.values.get(name)) for name in names),
        (outcome and outcome.run) or "–",
        f"{outcome.cpu_seconds:.0f}" if outcome else "–",
    )


def in_words(values: Mapping[str, Any]) -> str:
    """Return values as one line."""
    return ", ".join(f"{name} {shown(value)}" for name, value in values.items())


def shown(value: Any) -> str:
    """Return a value as people read it."""
    return "–" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of Markdown."""
    marks = ["---:"] * len(headings)
    return "\n".join("| " + " | ".join(row) + " |" for row in (headings, marks, *rows))
