"""Changing the champion: through the gate, or back to the one before.

The champion is changed in the database, by compare-and-swap in one transaction; then its files follow
(`champion.py`). Of two processes that have judged their models against the same champion, one wins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from sqlalchemy import Connection, update

from ringrift.agents import Agent, make_agent
from ringrift.game_database.counters import count
from ringrift.models.champion import mend_champion
from ringrift.models.errors import AbsentModel, BadChampion, LostRace
from ringrift.models.gate import GateReport, run_gate, valid_report
from ringrift.models.history import Kind, predecessors, remember
from ringrift.models.results import Results
from ringrift.models.schema import models
from ringrift.models.settings import GateSettings
from ringrift.models.store import ModelStore, Status, StoredModel, champion_row, find_row
from ringrift.run_context import RunContext

UNDECIDED: frozenset[str] = frozenset({"pause", "evaluated", "games"})
"""Conditions that do not count against the model itself: it may be tried again."""


@dataclass(frozen=True)
class PromotionReport:
    """The outcome of a promotion, of a rollback, or of a question to the gate."""

    config: str
    model: str
    previous: str | None
    """The champion before."""
    outcome: Kind | Literal["unchanged"]
    """The outcome; `unchanged`: it was the champion already."""
    why: str
    forced: bool
    gate: GateReport | None
    """The report of the gate; None where it was not asked."""

    @property
    def champion(self) -> str | None:
        """The champion now."""
        return self.previous if self.outcome in ("refused", "passed") else self.model

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for machines."""
        gate = None if self.gate is None else self.gate.to_json()
        return asdict(self) | {"gate": gate, "champion": self.champion}

    @property
    def summary(self) -> str:
        """The outcome in one line."""
        before = f"in place of {self.previous}" if self.previous else "the first"
        if self.outcome == "refused":
            return f"{self.config}: {self.model} was not promoted; champion: {self.previous or 'none yet'}"
        if self.outcome == "passed":
            return f"{self.config}: {self.model} may become champion; champion: {self.previous or 'none yet'}"
        if self.outcome == "unchanged":
            return f"{self.config}: nothing to do, {self.model} is the champion"
        forced = f", forced: {self.why}" if self.forced else ""
        return f"{self.config}: {self.model} is the champion, {before}{forced}"


def promote(
    store: ModelStore,
    model: StoredModel,
    results: Results,
    context: RunContext[GateSettings],
    *,
    force: str | None = None,
    factory: Callable[..., Agent] = make_agent,
) -> PromotionReport:
    """Let a model pass the gate, and make it the champion of its config.

    What `check` has measured against the same champion is not measured again; all else is looked at anew. `force` is
    the reason to require nothing but a sound file. A promotion that was killed may be run again.
    Raises `BadChampion` if the champion's files are not what they should be, and `LostRace` if another process was
    quicker; the champion is as before then.
    """
    forced = force is not None
    report = _ask(store, model, results, context, forced=forced, factory=factory)
    if report.outcome != "passed":
        return report
    why = force or report.why
    assert report.gate is not None
    verdict = report.gate.to_json()
    change_champion(store, model, expected=report.previous, kind="promoted", forced=forced, why=why, verdict=verdict)
    return replace(report, outcome="promoted", why=why)


def check(
    store: ModelStore,
    model: StoredModel,
    results: Results,
    context: RunContext[GateSettings],
    *,
    factory: Callable[..., Agent] = make_agent,
) -> PromotionReport:
    """Let a model pass the gate, and keep the report for its promotion; the champion stays. `BadChampion`."""
    report = _ask(store, model, results, context, anew=True, factory=factory)
    if report.outcome == "passed":
        with store.database.writing() as connection:
            _remember(connection, report)
    return report


def rollback(store: ModelStore, config: str, *, why: str = "rollback") -> PromotionReport:
    """Make the champion before the present one champion again, with the same bytes; the next goes further back.

    Raises `BadChampion` if there is none, or if the champion's files are not what they should be, and `AbsentModel` if
    the store has not kept the files of the one before.
    """
    mend_champion(store, config)
    champion = store.champion(config)
    if champion is None:
        raise BadChampion(f"{config} has no champion; `ringrift promote` makes one")
    before = predecessors(store, config)
    if not before:
        raise BadChampion(f"{champion.id} is the first champion of {config}: there is none to go back to")
    with store.database.reading() as connection:
        model = find_row(connection, before[0])
    assert model is not None  # the history refers to it
    change_champion(store, model, expected=champion.id, kind="restored", forced=False, why=why, verdict=None)
    return PromotionReport(config, model.id, champion.id, "restored", why, False, None)


def change_champion(
    store: ModelStore,
    model: StoredModel,
    *,
    expected: str | None,
    kind: Kind,
    forced: bool,
    why: str,
    verdict: Mapping[str, Any] | None,
) -> None:
    """Make a model champion if `expected` still is (None: no model), and let the files follow; else `LostRace`.

    `AbsentModel` if the store does not have its files as they were registered.
    """
    store.read(model)  # a model whose files cannot follow must not become champion
    with store.database.writing() as connection:
        champion = champion_row(connection, model.config)
        now = champion.id if champion else None
        if now != expected:
            raise LostRace(
                f"{model.config}: another process was quicker, the champion is {now or 'none'} and not"
                f" {expected or 'none'} any more: evaluate {model.id} against it and promote it again"
            )
        row = find_row(connection, model.id)
        if row is None or row.pruned is not None:
            raise AbsentModel(f"model {model.id}: its files have been pruned meanwhile")
        # A model that has passed the gate against the former champion has to pass it again.
        waiting = update(models).where(models.c.config == model.config, models.c.status == "staging")
        connection.execute(waiting.values(status="development"))
        if expected is not None:
            connection.execute(update(models).where(models.c.id == expected).values(status="archived"))
        connection.execute(update(models).where(models.c.id == model.id).values(status="production"))
        remember(connection, model.config, model.id, kind, previous=expected, forced=forced, why=why, verdict=verdict)
    mend_champion(store, model.config)


def _ask(
    store: ModelStore,
    model: StoredModel,
    results: Results,
    context: RunContext[GateSettings],
    *,
    forced: bool = False,
    anew: bool = False,
    factory: Callable[..., Agent],
) -> PromotionReport:
    """Ask the gate: `passed`, `refused`, which is kept in the history, or `unchanged` for the champion itself."""
    mend_champion(store, model.config)
    champion = store.champion(model.config)
    previous = champion.id if champion else None
    if previous == model.id:
        return PromotionReport(model.config, model.id, previous, "unchanged", "", False, None)
    only = ("file",) if forced else None
    earlier = None if forced or anew else valid_report(store, model, context.settings)
    gate = run_gate(store, model, results, context, only=only, earlier=earlier, factory=factory)
    outcome: Literal["passed", "refused"] = "passed" if gate.passed else "refused"
    report = PromotionReport(model.config, model.id, previous, outcome, gate.verdict, forced, gate)
    with store.database.writing() as connection:
        for gate_check in gate.checks:
            count(connection, "gate", model.config, f"{gate_check.name} {gate_check.verdict}")
        if gate.failed is None:
            _set_status(connection, model, "staging")
        else:
            if gate.failed.name not in UNDECIDED and not gate.failed.undecided:
                _set_status(connection, model, "rejected")
            _remember(connection, report)
    return report


def _remember(connection: Connection, report: PromotionReport) -> None:
    """Keep a report in the history."""
    assert report.gate is not None
    assert report.outcome != "unchanged"
    remember(
        *(connection, report.config, report.model, report.outcome),
        previous=report.previous,
        forced=report.forced,
        why=report.why,
        verdict=report.gate.to_json(),
    )


def _set_status(connection: Connection, model: StoredModel, status: Status) -> None:
    """Set the status of a model; a champion or former champion keeps its own."""
    changes = models.c.status.not_in(("production", "archived"))
    connection.execute(update(models).where(models.c.id == model.id, changes).values(status=status))
