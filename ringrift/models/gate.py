"""The gate: every condition that a model has to meet before it becomes champion, looked at one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from ringrift.agents import Agent, make_agent
from ringrift.clock import seconds_since
from ringrift.models.conditions import OF_TRIAL, Case, Condition, conditions
from ringrift.models.history import CHANGES, history, last_change
from ringrift.models.results import Results
from ringrift.models.settings import GateSettings
from ringrift.models.store import ModelStore, StoredModel
from ringrift.run_context import RunContext

Verdict = Literal["passed", "failed", "not run"]


@dataclass(frozen=True)
class Check:
    """A condition, and its result."""

    name: str
    asks: str
    limit: str
    measured: str
    value: float | None
    """The measured value as a number; None where it is none."""
    verdict: Verdict
    seconds: float
    """The seconds that the measurement took."""
    undecided: bool = False
    """Whether a condition that is not met does not count against the model."""


@dataclass(frozen=True)
class GateReport:
    """The verdict of the gate on a model, with all of its checks."""

    config: str
    model: str
    champion: str | None
    """The champion at that time."""
    when: int
    seconds: float
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether the model may become champion."""
        return self.failed is None

    @property
    def failed(self) -> Check | None:
        """The first check that failed; None if the model passed."""
        return next((check for check in self.checks if check.verdict == "failed"), None)

    @property
    def verdict(self) -> str:
        """The verdict in one line."""
        failed = self.failed
        if failed is None:
            asked = [check.name for check in self.checks if check.verdict == "passed"]
            return "passed" if len(asked) == len(self.checks) else f"passed, but only asked for {', '.join(asked)}"
        return f"no: {failed.name}: {failed.asks}: {failed.measured}, the limit is {failed.limit}"

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for machines and for the database."""
        return asdict(self) | {"passed": self.passed, "verdict": self.verdict}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> GateReport:
        """Return the report that `to_json` was made from."""
        kept = {field.name: content[field.name] for field in fields(cls)}
        return cls(**kept | {"checks": tuple(Check(**check) for check in content["checks"])})


def run_gate(
    store: ModelStore,
    model: StoredModel,
    results: Results,
    context: RunContext[GateSettings],
    *,
    only: Collection[str] | None = None,
    earlier: GateReport | None = None,
    to_the_end: bool = False,
    factory: Callable[..., Agent] = make_agent,
) -> GateReport:
    """Look at all conditions, the cheapest first, until one is not met; `only` these by name, if given.

    `to_the_end` also looks at those that come after one that is not met.

    What the trial of an `earlier` report has measured is not measured again; all else is looked at anew.
    `results` are those of the model's gauntlet. `factory` makes players of specs in the process of the trial, which
    imports it by its name.
    """
    champion = store.champion(model.config)
    with ExitStack() as processes:
        case = Case(
            store=store,
            model=model,
            champion=champion,
            last_change=last_change(store, model.config),
            results=results,
            context=context,
            factory=factory,
            processes=processes,
        )
        checks: list[Check] = []
        for condition in conditions(context.settings):
            skipped = only is not None and condition.name not in only
            stopped = not to_the_end and any(check.verdict == "failed" for check in checks)
            known = None if earlier is None else _known(condition, earlier)
            checks.append(_not_run(condition) if skipped or stopped else known or _run(condition, case))
        return GateReport(
            config=model.config,
            model=model.id,
            champion=champion.id if champion else None,
            when=int(time.time()),
            seconds=case.seconds,
            checks=tuple(checks),
        )


def valid_report(store: ModelStore, model: StoredModel, settings: GateSettings) -> GateReport | None:
    """Return the report with which a model has passed the gate, as long as the gate would pass it again.

    That is so while champion and limits are the same, and it is younger than `valid_hours`.
    """
    for entry in history(store, config=model.config):
        age = seconds_since(entry.when, f"a verdict of the gate of {model.config}")
        if entry.kind in CHANGES or age is None or age > settings.valid_hours * 3600:
            return None
        if entry.model == model.id:
            report = GateReport.from_json(entry.verdict) if entry.kind == "passed" and entry.verdict else None
            asked = (condition for condition in conditions(settings) if condition.name in OF_TRIAL)
            return report if report and all(_known(condition, report) for condition in asked) else None
    return None


def _known(condition: Condition, earlier: GateReport) -> Check | None:
    """Return the check of a condition in an earlier report, if it asked the same, and a trial has answered it."""
    same = (check for check in earlier.checks if (check.asks, check.limit) == (condition.asks, condition.limit))
    return next((check for check in same if check.name == condition.name and check.name in OF_TRIAL), None)


def _run(condition: Condition, case: Case) -> Check:
    before = case.seconds
    finding = condition.look(case)
    return Check(
        condition.name,
        condition.asks,
        finding.limit or condition.limit,
        finding.measured,
        finding.value,
        "passed" if finding.passed else "failed",
        case.seconds - before,
        finding.undecided,
    )


def _not_run(condition: Condition) -> Check:
    return Check(condition.name, condition.asks, condition.limit, "", None, "not run", 0.0)
