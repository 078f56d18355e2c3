"""The selection of games: filters, the hold-out set, and reading the games that pass a page at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson
from sqlalchemy import ColumnElement, Row, Select, func, select

from ringrift.errors import RingRiftError
from ringrift.game import parse_config
from ringrift.game_database.admission import REASONS
from ringrift.game_database.database import GamesDatabase
from ringrift.game_database.packing import unpack
from ringrift.game_database.schema import games, moves, quarantine, sources
from ringrift.game_database.settings import database_settings

LOTS: Final = 1 << 31
"""The number of different lots."""
PAGE: Final = 256
"""Games that are read at once: some megabytes."""

_INWARD: Final = frozenset({"lot", "source_id", "opening_hash", "actions_hash"})
"""Columns of `games` that are not shown to people."""

Part = Literal["training", "holdout"]


class NoSuchGame(RingRiftError):
    """A game that is named and is not there, or a name that fits several."""


def holdout_bound() -> int:
    """Return the lot below which games never enter training.

    A game's lot is a part of its identity, so it is held out or not for ever and in every database; a larger share
    adds games to the hold-out set and takes none from it.
    """
    return round(database_settings().holdout_share * LOTS)


@dataclass(frozen=True)
class Selection:
    """Filters that a game has to pass, all of them; None lets everything pass."""

    config: str | None = None
    engine: str | None = None
    """The beginning of the spec of some seat's engine, such as `gumbel` or `mcts@800`."""
    model: str | None = None
    """The id of the model of some seat."""
    run: str | None = None
    source: str | None = None
    """A part of the path of the file that it came from."""
    since: int | None = None
    """The earliest end of a game, in seconds since 1970."""
    until: int | None = None
    """The second before which a game ended."""
    part: Part | None = None
    after: int | None = None
    """The id of the game after which a game came in."""

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filters on `games` and `sources`; `UnknownConfig` if there is no such config."""
        filters = []
        if self.config is not None:
            parse_config(self.config)
            filters.append(games.c.config == self.config)
        if self.engine is not None:
            filters.append(games.c.engines.contains(f'"{self.engine}', autoescape=True))
        if self.model is not None:
            filters.append(games.c.models.contains(f'"{self.model}"', autoescape=True))
        if self.run is not None:
            filters.append(games.c.run == self.run)
        if self.source is not None:
            filters.append(games.c.source_id.in_(select(sources.c.id).where(sources.c.path.contains(self.source))))
        if self.since is not None:
            filters.append(games.c.ended >= self.since)
        if self.until is not None:
            filters.append(games.c.ended < self.until)
        if self.part is not None:
            held_out = games.c.lot < holdout_bound()
            filters.append(held_out if self.part == "holdout" else ~held_out)
        if self.after is not None:
            filters.append(games.c.id > self.after)
        return filters


def stored_games() -> Select[Any]:
    """Return a query of every game with its moves and the path of its source; `pool.read_game` reads the rows.

    Games without moves are among them: those are damaged.
    """
    blobs = (
        moves.c.actions.label("packed_actions"),
        moves.c.search.label("packed_search"),
        moves.c.extra.label("extra"),
    )
    joined = games.outerjoin(moves, moves.c.game_id == games.c.id).outerjoin(sources, sources.c.id == games.c.source_id)
    return select(games, *blobs, sources.c.path).select_from(joined)


def read_pages(database: GamesDatabase, selection: Selection, *, limit: int | None = None) -> Iterator[list[Row[Any]]]:
    """Yield the rows of `stored_games`, in the order in which they came in; others may write meanwhile."""
    query = stored_games().where(*selection.conditions()).order_by(games.c.id)
    last = 0
    while limit is None or limit > 0:
        with database.reading() as connection:
            page = query.where(games.c.id > last).limit(PAGE if limit is None else min(PAGE, limit))
            rows = list(connection.execute(page))
        if not rows:
            return
        yield rows
        last = rows[-1].id
        limit = None if limit is None else limit - len(rows)


def find_game(database: GamesDatabase, name: str) -> Row[Any]:
    """Return the game of an id, or of an identity or its beginning; `NoSuchGame` if that is none or several."""
    digits = name.lower()
    with database.reading() as connection:
        if digits.isdecimal() and (row := connection.execute(stored_games().where(games.c.id == int(name))).first()):
            return row
        if not 4 <= len(digits) <= 32 or set(digits) - set("0123456789abcdef"):
            raise NoSuchGame(f"{name!r} is no game: name it by its number, or by 4 or more digits of its identity")
        low, high = bytes.fromhex(digits.ljust(32, "0")), bytes.fromhex(digits.ljust(32, "f"))
        rows = connection.execute(stored_games().where(games.c.identity.between(low, high)).limit(2)).all()
    if len(rows) != 1:
        raise NoSuchGame(f"there is no game {name!r}" if not rows else f"more than one game begins with {name!r}")
    return rows[0]


def before_newest(database: GamesDatabase, config: str, count: int) -> int:
    """Return the id after which the newest `count` games of a config come; 0 where there are not more."""
    query = select(games.c.id).where(games.c.config == config).order_by(games.c.id.desc()).offset(count).limit(1)
    with database.reading() as connection:
        return int(connection.execute(query).scalar() or 0)


def newest(database: GamesDatabase, selection: Selection, limit: int) -> list[dict[str, Any]]:
    """Return the descriptions of the games that came in last."""
    query = stored_games().where(*selection.conditions()).order_by(games.c.id.desc()).limit(limit)
    with database.reading() as connection:
        return [describe(row) for row in connection.execute(query)]


def describe(row: Row[Any]) -> dict[str, Any]:
    """Return a row of `stored_games` for people and machines, without its moves."""
    known = {column.name: getattr(row, column.name) for column in games.c if column.name not in _INWARD}
    known["identity"] = bytes(row.identity).hex()
    for name in ("engines", "models", "ranks"):
        known[name] = known[name] and orjson.loads(known[name])
    return known | {"file": row.path, "part": "holdout" if row.lot < holdout_bound() else "training"}


def count_parts(database: GamesDatabase) -> dict[str, tuple[int, int]]:
    """Return the numbers of games for training and held out, by config; both are counted in indices."""
    count = select(games.c.config, func.count().label("games")).group_by(games.c.config).order_by(games.c.config)
    with database.reading() as connection:
        total = {row.config: row.games for row in connection.execute(count)}
        of_index = (games.c.config.in_(total), games.c.lot < holdout_bound())
        held_out = {row.config: row.games for row in connection.execute(count.where(*of_index))}
    return {config: (number - held_out.get(config, 0), held_out.get(config, 0)) for config, number in total.items()}


@dataclass(frozen=True)
class QuarantinedLine:
    """A line that is no game."""

    path: str
    number: int
    reason: str
    detail: str
    raw: bytes

    def to_json(self) -> dict[str, Any]:
        """Return the line as JSON; bytes that are no text are replaced."""
        return {**vars(self), "raw": self.raw.decode(errors="replace")}


def quarantined_lines(database: GamesDatabase, reason: str | None, limit: int) -> list[QuarantinedLine]:
    """Return the lines that went to quarantine last."""
    query = select(quarantine, sources.c.path).outerjoin(sources).order_by(quarantine.c.id.desc()).limit(limit)
    if reason is not None:
        if reason not in REASONS:
            raise RingRiftError(f"no line is in quarantine for {reason!r}; reasons are {', '.join(REASONS)}")
        query = query.where(quarantine.c.reason == reason)
    with database.reading() as connection:
        rows = connection.execute(query).all()
    return [QuarantinedLine(row.path or "", row.line, row.reason, row.detail, unpack(row.raw)) for row in rows]
