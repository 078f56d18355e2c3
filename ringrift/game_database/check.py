"""The health of a games database: every stored game is read and replayed anew, and compared with its row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Row, delete, func, select, text, update

from ringrift.game_database.admission import Candidate, Line, Rejected, TurnedAway, check_header, fault, findings
from ringrift.game_database.counters import count
from ringrift.game_database.database import GamesDatabase
from ringrift.game_database.packing import Damaged
from ringrift.game_database.pool import derived_columns, quarantine_row, read_game
from ringrift.game_database.reanalyses import damaged_reanalyses
from ringrift.game_database.schema import games, moves, quarantine, reanalyses, sources
from ringrift.game_database.selection import Selection, read_pages
from ringrift.game_database.sources import source_id
from ringrift.run_context import RunContext

LOST_SOURCE: Final = "(lost)"
"""The path that games get whose source is not known any more."""

LEFT, REPAIRED, QUARANTINED = "left", "repaired", "quarantined"


@dataclass(frozen=True)
class Damage:
    """A fault in a database."""

    kind: str
    """`file`, `columns`, `source`, `moves`, `reanalysis`, or the reason why the game is none (`REASONS`)."""
    game: int | None
    """The game's number in the database; None for a fault of the database as a whole."""
    detail: str
    done: str
    """`left`, `repaired` or `quarantined`."""


@dataclass(frozen=True)
class CheckReport:
    """The result of a check."""

    database: str
    games: int
    """Games that were replayed."""
    damage: tuple[Damage, ...]

    @property
    def left(self) -> int:
        """The number of faults that are left."""
        return sum(damage.done == LEFT for damage in self.damage)

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for machines."""
        return asdict(self) | {"left": self.left}


def check(
    database: GamesDatabase,
    context: RunContext[object],
    *,
    repair: bool = False,
    quarantine_bad: bool = False,
) -> CheckReport:
    """Check the whole database.

    `repair` computes columns anew that follow from the moves. `quarantine_bad` moves games there that are none, and
    sets the files that they came from back to the beginning: if the line there is sound, the next ingest brings the
    game back.
    """
    damage = list(_check_structure(database, repair))
    with database.reading() as connection:
        total = connection.execute(select(func.count()).select_from(games)).scalar_one()
    checked = 0
    for rows in read_pages(database, Selection()):
        damage += _check_page(database, rows, repair, quarantine_bad)
        checked += len(rows)
        context.progress("checking", checked, total)
    return CheckReport(database.name, checked, tuple(damage))


def _check_structure(database: GamesDatabase, repair: bool) -> Iterator[Damage]:
    """Yield faults of the database's own files, and rows that belong to no game or source."""
    if database.is_sqlite:
        with database.reading() as connection:
            complaints = connection.execute(text("PRAGMA integrity_check")).scalars().all()
        yield from (Damage("file", None, complaint, LEFT) for complaint in complaints if complaint != "ok")
    orphans = select(moves.c.game_id).where(~select(games.c.id).where(games.c.id == moves.c.game_id).exists())
    lost = ~select(sources.c.id).where(sources.c.id == games.c.source_id).exists()
    with database.writing() if repair else database.reading() as connection:
        lonely = connection.execute(orphans).scalars().all()
        unknown = connection.execute(select(games.c.id, games.c.source_id).where(lost)).all()
        if repair and lonely:
            connection.execute(delete(moves).where(moves.c.game_id.in_(orphans)))
        if repair and unknown:
            path = source_id(database, connection, LOST_SOURCE)
            connection.execute(update(games).where(lost).values(source_id=path))
    unreadable = list(damaged_reanalyses(database))
    if repair and unreadable:
        with database.writing() as connection:
            connection.execute(delete(reanalyses).where(reanalyses.c.id.in_([number for number, _, _ in unreadable])))
    done = REPAIRED if repair else LEFT
    yield from (Damage("reanalysis", game, detail, done) for _, game, detail in unreadable)
    yield from (Damage("moves", number, "there is no such game", done) for number in lonely)
    yield from (Damage("source", row.id, f"there is no source {row.source_id}", done) for row in unknown)


def _check_page(  # noqa: C901 - a branch per kind of damage
    database: GamesDatabase, rows: Sequence[Row[Any]], repair: bool, quarantine_bad: bool
) -> list[Damage]:
    """Replay some games and compare them with their rows."""
    candidates: dict[int, Candidate] = {}
    bad: dict[int, tuple[str, str]] = {}
    differing: dict[int, dict[str, Any]] = {}
    by_id = {row.id: row for row in rows}
    for row in rows:
        try:
            candidates[row.id] = read_game(row)
            check_header(candidates[row.id].record)
        except Damaged as error:
            bad[row.id] = "damaged", str(error)
        except Rejected as error:
            bad[row.id] = error.reason, error.detail
    readable = [number for number in candidates if number not in bad]
    replays = findings([candidates[number].record for number in readable])
    for number, finding in zip(readable, replays, strict=True):
        record = candidates[number].record
        rejected = fault(record, finding)
        if rejected:
            bad[number] = rejected.reason, rejected.detail
            continue
        columns = derived_columns(record, finding)
        stored = by_id[number]._mapping
        if columns["identity"] != stored["identity"]:
            bad[number] = "damaged", f"its identity is {record.identity}, not {bytes(stored['identity']).hex()}"
            continue
        wrong = {name: value for name, value in columns.items() if stored[name] != value}
        if wrong:
            differing[number] = wrong
    if (repair and differing) or (quarantine_bad and bad):
        with database.writing() as connection:
            for number, columns in differing.items() if repair else ():
                connection.execute(update(games).where(games.c.id == number).values(**columns))
            for number, (reason, detail) in bad.items() if quarantine_bad else ():
                _quarantine(database, connection, by_id[number], candidates.get(number), reason, detail)
    return [
        *(
            Damage("columns", number, _difference(by_id[number], wrong), REPAIRED if repair else LEFT)
            for number, wrong in differing.items()
        ),
        *(
            Damage(reason, number, detail, QUARANTINED if quarantine_bad else LEFT)
            for number, (reason, detail) in bad.items()
        ),
    ]


def _difference(row: Row[Any], wrong: dict[str, Any]) -> str:
    stored = row._mapping
    return ", ".join(f"{name} is {stored[name]!r}, should be {value!r}" for name, value in wrong.items())


def _quarantine(
    database: GamesDatabase,
    connection: Connection,
    row: Row[Any],
    candidate: Candidate | None,
    reason: str,
    detail: str,
) -> None:
    """Move a game to quarantine, and have its file read again."""
    if candidate:
        raw = candidate.to_line()
    else:
        header = {str(column.name): getattr(row, column.name) for column in games.c if column.name != "identity"}
        raw = orjson.dumps(header | {"identity": bytes(row.identity).hex()}) + b"\n"
    verdict = TurnedAway(Line(row.source_id, row.line, raw), reason, detail)
    connection.execute(database.insert(quarantine), quarantine_row(verdict))
    connection.execute(delete(moves).where(moves.c.game_id == row.id))
    connection.execute(delete(games).where(games.c.id == row.id))
    count(connection, "games_removed", row.config, reason)
    anew = {"position": 0, "lines": 0, "head": None, "tail": None, "trailer": None}
    connection.execute(update(sources).where(sources.c.id == row.source_id).values(**anew))
