"""Changing the champion: through the gate, or back to the one before.

The champion is changed in the database, by compare-and-swap in one transaction; then its files follow
(`champion.py`). Of two processes that have judged their models against the same champion, one wins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection, update

from ringrift.agents import Agent, make_agent
from ringrift.models.champion import mend_champion
from ringrift.models.errors import AbsentModel, BadChampion, LostRace
from ringrift.models.gate import GateReport, run_gate
from ringrift.models.history import Kind, predecessors, remember
from ringrift.models.results import Results
from ringrift.models.schema import models
from ringrift.models.settings import GateSettings
from ringrift.models.store import ModelStore, Status, StoredModel, champion_row, find_row
from ringrift.models.trial import Watch

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

UNDECIDED: frozenset[str] = frozenset({"pause", "games"})
"""Conditions that say nothing about the model itself: it may come again."""


@dataclass(frozen=True)
class PromotionReport:
    """What has become of a promotion or a rollback. Prints on a rich console."""

    config: str
    model: str
    previous: str | None
    """Who was champion before."""
    outcome: Kind | Literal["unchanged"]
    """`unchanged`: it was the champion already."""
    why: str
    forced: bool
    gate: GateReport | None
    """None where it was not asked."""

    @property
    def champion(self) -> str | None:
        """Who is champion now."""
        return self.previous if self.outcome == "refused" else self.model

    def to_json(self) -> dict[str, Any]:
        """All of it, for machines."""
        gate = None if self.gate is None else self.gate.to_json()
        return asdict(self) | {"gate": gate, "champion": self.champion}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        from rich.markup import escape

        if self.gate is not None:
            yield self.gate
        yield escape(self.summary)

    @property
    def summary(self) -> str:
        """The outcome in one line."""
        before = f"in place of {self.previous}" if self.previous else "the first"
        if self.outcome == "refused":
            return f"{self.config}: {self.model} was not promoted; champion: {self.previous or 'none yet'}"
        if self.outcome == "unchanged":
            return f"{self.config}: nothing to do, {self.model} is the champion"
        forced = f", forced: {self.why}" if self.forced else ""
        return f"{self.config}: {self.model} is the champion, {before}{forced}"


def promote(
    store: ModelStore,
    model: StoredModel,
    results: Results,
    settings: GateSettings,
    *,
    force: str | None = None,
    factory: Callable[..., Agent] = make_agent,
    watch: Watch = lambda what, done, total: None,
) -> PromotionReport:
    """Let a model pass the gate, and make it the champion of its config.

    `force` is the reason for which nothing is asked but that the file is sound. A promotion that was killed may be run
    again. Raises `BadChampion` if the champion's files are not what they should be, and `LostRace` if another process
    was quicker; the champion is as before then.
    """
    mend_champion(store, model.config)
    champion = store.champion(model.config)
    previous = champion.id if champion else None
    if previous == model.id:
        return PromotionReport(model.config, model.id, previous, "unchanged", "", False, None)
    only = ("file",) if force is not None else None
    report = run_gate(store, model, results, settings, only=only, factory=factory, watch=watch)
    forced, why = force is not None, force or report.verdict
    if report.failed is not None:
        _refuse(store, model, report, previous, forced=forced)
        return PromotionReport(model.config, model.id, previous, "refused", report.verdict, forced, report)
    with store.database.writing() as connection:
        _set_status(connection, model, "staging")
    change_champion(store, model, expected=previous, kind="promoted", forced=forced, why=why, verdict=report.to_json())
    return PromotionReport(model.config, model.id, previous, "promoted", why, forced, report)


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
    """Make a model champion if `expected` still is (None: nobody), and let the files follow; else `LostRace`.

    `AbsentModel` if the store does not have its files as they were registered.
    """
    store.read(model)  # what cannot follow must not become champion
    with store.database.writing() as connection:
        champion = champion_row(connection, model.config)
        now = champion.id if champion else None
        if now != expected:
            raise LostRace(
                f"{model.config}: another process was quicker, the champion is {now or 'none'} and not"
                f" {expected or 'none'} any more: evaluate {model.id} against it and promote it again"
            )
        found = find_row(connection, model.id)
        if found is None or found.pruned is not None:
            raise AbsentModel(f"model {model.id}: its files have been pruned meanwhile")
        if expected is not None:
            connection.execute(update(models).where(models.c.id == expected).values(status="archived"))
        connection.execute(update(models).where(models.c.id == model.id).values(status="production"))
        remember(connection, model.config, model.id, kind, previous=expected, forced=forced, why=why, verdict=verdict)
    mend_champion(store, model.config)


def _refuse(store: ModelStore, model: StoredModel, report: GateReport, previous: str | None, *, forced: bool) -> None:
    """Keep what the gate has said."""
    assert report.failed is not None
    with store.database.writing() as connection:
        if report.failed.name not in UNDECIDED:
            _set_status(connection, model, "rejected")
        remember(
            connection,
            model.config,
            model.id,
            "refused",
            previous=previous,
            forced=forced,
            why=report.verdict,
            verdict=report.to_json(),
        )


def _set_status(connection: Connection, model: StoredModel, status: Status) -> None:
    """Change what a model is for; a former champion stays one."""
    changes = models.c.status.not_in(("production", "archived"))
    connection.execute(update(models).where(models.c.id == model.id, changes).values(status=status))
