"""The merge of games databases: the games of another one are admitted like lines of files."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Row, func, select

from ringrift.game_database.admission import Admitted, Line, Rejected, TurnedAway, check_header, judge
from ringrift.game_database.database import BadDatabase, GamesDatabase
from ringrift.game_database.packing import Damaged
from ringrift.game_database.pool import make_rows, read_game, write_rows
from ringrift.game_database.schema import games, quarantine, sources
from ringrift.game_database.selection import Selection, read_pages
from ringrift.game_database.sources import source_id
from ringrift.run_context import RunContext


@dataclass(frozen=True)
class MergeReport:
    """The result of a merge."""

    database: str
    other: str
    games: int
    """Games of the other database."""
    added: dict[str, int]
    """The new ones among them, by config."""
    duplicates: int
    quarantined: dict[str, int]
    """Lines by reason, those that were in the other's quarantine too."""

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for machines."""
        return asdict(self)


def merge(database: GamesDatabase, other: GamesDatabase, context: RunContext[object]) -> MergeReport:
    """Add the games of another database, each replayed anew, and its quarantine.

    The other one stays as it is. How far it has read its files is not taken over: where both see the same files, this
    one reads them itself, and keeps every game once.
    """
    if database.url == other.url:
        raise BadDatabase(f"{other.name}: a database cannot be merged with itself")
    added: Counter[str] = Counter()
    quarantined: Counter[str] = Counter()
    duplicates = seen = 0
    paths: dict[str, int] = {}
    with other.reading() as connection:
        total = connection.execute(select(func.count()).select_from(games)).scalar_one()
    for page in read_pages(other, Selection()):
        with database.writing() as connection:
            for path in {row.path or "" for row in page} - paths.keys():
                paths[path] = source_id(database, connection, path)
        rows = make_rows(_verdicts(page, paths))
        with database.writing() as connection:
            stored = write_rows(database, connection, rows)
        added.update(stored.added)
        quarantined.update(stored.quarantined)
        duplicates += stored.duplicates
        seen += len(page)
        context.progress(f"merging {other.name}", seen, total)
    quarantined.update(_merge_quarantine(database, other))
    return MergeReport(database.name, other.name, seen, dict(added), duplicates, dict(quarantined))


def _verdicts(page: list[Row[Any]], paths: dict[str, int]) -> list[Admitted | TurnedAway]:
    """Judge games of another database."""
    verdicts: list[Admitted | TurnedAway] = []
    readable = []
    for row in page:
        line = Line(paths[row.path or ""], row.line, b"")
        try:
            candidate = read_game(row)
            check_header(candidate.record)
            readable.append((line._replace(raw=candidate.to_line()), candidate))
        except Damaged as error:
            verdicts.append(TurnedAway(line._replace(raw=bytes(row.identity)), "damaged", str(error)))
        except Rejected as error:
            verdicts.append(TurnedAway(line._replace(raw=candidate.to_line()), error.reason, error.detail))
    for (line, candidate), verdict in zip(readable, judge([candidate for _, candidate in readable]), strict=True):
        if isinstance(verdict, Rejected):
            verdicts.append(TurnedAway(line, verdict.reason, verdict.detail))
        else:
            verdicts.append(Admitted(line, candidate, verdict))
    return verdicts


def _merge_quarantine(database: GamesDatabase, other: GamesDatabase) -> Counter[str]:
    """Add the lines of the other's quarantine, one at a time."""
    counts: Counter[str] = Counter()
    last = 0
    query = select(quarantine, sources.c.path).outerjoin(sources).order_by(quarantine.c.id).limit(1)
    while True:
        with other.reading() as connection:
            row = connection.execute(query.where(quarantine.c.id > last)).first()
        if row is None:
            return counts
        last = row.id
        with database.writing() as connection:
            copied = {name: value for name, value in row._mapping.items() if name not in ("id", "path", "source_id")}
            copied["source_id"] = source_id(database, connection, row.path or "")
            new = connection.execute(database.insert(quarantine).returning(quarantine.c.reason), copied)
            counts.update(new.scalars())
