"""The history of the champions of a config: changes, and refusals of the gate."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import orjson
from sqlalchemy import Connection, insert, select

from ringrift.game_database.counters import count
from ringrift.models.schema import promotions
from ringrift.models.store import ModelStore

Kind = Literal["promoted", "refused", "restored", "passed", "shipped"]
KINDS: Final[Mapping[Kind, str]] = {
    "promoted": "it became champion",
    "refused": "the gate has refused it",
    "restored": "a rollback has made it champion again",
    "passed": "it has passed the gate, which was only asked",
    "shipped": "it came with the package, and the loop began with it",
}
CHANGES: Final[tuple[Kind, ...]] = ("promoted", "restored", "shipped")
"""The kinds of entries that have changed the champion."""


@dataclass(frozen=True)
class Promotion:
    """An entry of the history."""

    config: str
    model: str
    previous: str | None
    """The champion before; the champion that stays, if this is no change."""
    when: int
    """Seconds since 1970, UTC."""
    kind: Kind
    forced: bool
    why: str
    verdict: Mapping[str, Any] | None
    """The report of the gate, as `GateReport.to_json`; None where it was not asked."""

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for machines."""
        return asdict(self)


def history(store: ModelStore, *, config: str | None = None, model: str | None = None) -> list[Promotion]:
    """Return the history of a config, or of a model, the newest entry first."""
    query = select(promotions).order_by(promotions.c.id.desc())
    if config is not None:
        query = query.where(promotions.c.config == config)
    if model is not None:
        query = query.where(promotions.c.model == model)
    with store.database.reading() as connection:
        rows = connection.execute(query).mappings().all()
    names = Promotion.__dataclass_fields__
    return [
        Promotion(**{name: row[name] for name in names} | {"verdict": row["verdict"] and orjson.loads(row["verdict"])})
        for row in rows
    ]


def last_change(store: ModelStore, config: str) -> int | None:
    """Return the time of the last change of the champion of a config; None if there was none yet."""
    return next((entry.when for entry in history(store, config=config) if entry.kind in CHANGES), None)


def predecessors(store: ModelStore, config: str) -> list[str]:
    """Return the champions before the present one: the one that it replaced, and so on, each once."""
    champion = store.champion(config)
    entries = [entry for entry in history(store, config=config) if entry.kind == "promoted"]
    former: list[str] = []
    current = champion.id if champion else None
    while current is not None:
        current = next((entry.previous for entry in entries if entry.model == current), None)
        if current is None or current in former or (champion and current == champion.id):
            return former
        former.append(current)
    return former


def remember(
    connection: Connection,
    config: str,
    model: str,
    kind: Kind,
    *,
    previous: str | None,
    forced: bool,
    why: str,
    verdict: Mapping[str, Any] | None,
) -> None:
    """Add an entry to the history."""
    count(connection, "promotions", config, kind)
    connection.execute(
        insert(promotions).values(
            config=config,
            model=model,
            previous=previous,
            when=int(time.time()),
            kind=kind,
            forced=forced,
            why=why,
            verdict=None if verdict is None else orjson.dumps(verdict).decode(),
        )
    )
