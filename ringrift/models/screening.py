"""The gate without a promotion: every condition for any model, each with its measured value and its limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ringrift.agents import Agent, make_agent
from ringrift.evaluation.gauntlet import gauntlet
from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.participants import model_participant
from ringrift.evaluation.settings import EvaluationSettings
from ringrift.models.champion import mend_champion
from ringrift.models.gate import GateReport, run_gate
from ringrift.models.results import stored_results
from ringrift.models.settings import GateSettings
from ringrift.models.store import ModelStore, StoredModel
from ringrift.run_context import RunContext


@dataclass(frozen=True)
class ScreeningReport:
    """The verdicts of the gate on several models."""

    reports: tuple[GateReport, ...]
    """One report for each model, in the order of the call."""

    @property
    def passing(self) -> tuple[str, ...]:
        """The ids of the models that meet all conditions."""
        return tuple(report.model for report in self.reports if report.passed)

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for machines."""
        return {"models": [report.to_json() for report in self.reports], "passing": list(self.passing)}


def screen(
    store: ModelStore,
    models: Sequence[StoredModel],
    evaluation: EvaluationSettings,
    context: RunContext[GateSettings],
    *,
    factory: Callable[..., Agent] = make_agent,
) -> ScreeningReport:
    """Let models run the gauntlet, and look at all conditions of each, also after one that is not met.

    No model becomes champion, no status changes, and only the games are kept, so that a gauntlet that was played is not
    played again. Raises `Cancelled`, and `BadChampion`.
    """
    return ScreeningReport(tuple(_screen(store, model, evaluation, context, factory) for model in models))


def _screen(
    store: ModelStore,
    model: StoredModel,
    evaluation: EvaluationSettings,
    context: RunContext[GateSettings],
    factory: Callable[..., Agent],
) -> GateReport:
    mend_champion(store, model.config)
    form, within = evaluation.gauntlet.as_, context.part_of(f"model {model.id}")
    champion = store.champion(model.config)
    opponent = None if champion is None else model_participant(Path(store.path(champion)), form)
    runner = MatchRunner(store.database, within.with_settings(evaluation))
    gauntlet(model.config, model_participant(Path(store.path(model)), form), opponent, runner)
    results = stored_results(store.database, model.config, model.id, form)
    return run_gate(store, model, results, within, to_the_end=True, factory=factory)
