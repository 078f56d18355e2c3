"""The games of evaluations, whole: which there are, and each of them as a record that can be replayed and analysed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final, get_args

import orjson
from sqlalchemy import ColumnElement, Row, Select, select

from ringrift.errors import RingRiftError
from ringrift.evaluation.schema import GameKind, evaluation_games, evaluation_moves
from ringrift.game import Game, parse_config
from ringrift.game.notation import Json
from ringrift.game_database import GamesDatabase
from ringrift.game_database.packing import unpack_actions
from ringrift.settings import unknown_name

PAGE: Final = 256
"""Games that are read at once."""
_NAME: Final = re.compile(r"([0-9a-f]{4,16})/([0-9]{1,9})")


class NoSuchEvaluationGame(RingRiftError):
    """A game of an evaluation that is named and is not there, or whose moves were not kept."""


@dataclass(frozen=True)
class KeptGame:
    """A game that was played for an evaluation."""

    run: str
    """The plan of games that it belongs to."""
    number: int
    """Its number in that plan."""
    config: str
    kind: GameKind
    players: tuple[str, ...]
    """`[players]`, by seat."""
    opening: int
    seed: int
    ranks: tuple[int, ...] | None
    """`[players]`, by seat; None for a game that was stopped at the limit of moves."""
    reason: str | None
    plies: int
    ended: int
    """The time in seconds since 1970."""

    @property
    def name(self) -> str:
        """The name that commands take, such as `0123456789abcdef/3`."""
        return f"{self.run}/{self.number}"

    @property
    def winner(self) -> str | None:
        """The player that won; None if the game was stopped."""
        return None if self.ranks is None else self.players[self.ranks.index(1)]

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for machines."""
        return asdict(self) | {"name": self.name, "winner": self.winner}


@dataclass(frozen=True)
class GameFilter:
    """The conditions that games of evaluations have to fulfil; None lets everything pass."""

    config: str | None = None
    kind: str | None = None
    player: str | None = None
    """A part of the name of some seat's player, such as the id of a model."""
    run: str | None = None
    """The first digits of the run."""

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """Yield the conditions of a query; errors name what there is not."""
        table = evaluation_games.c
        if self.config is not None:
            parse_config(self.config)
            yield table.config == self.config
        if self.kind is not None:
            if self.kind not in get_args(GameKind):
                raise NoSuchEvaluationGame(f"kind {self.kind!r}: {unknown_name(self.kind, get_args(GameKind))}")
            yield table.kind == self.kind
        if self.player is not None:
            yield table.players.contains(self.player, autoescape=True)
        if self.run is not None:
            yield table.run.startswith(self.run, autoescape=True)


def newest_games(database: GamesDatabase, wanted: GameFilter, limit: int) -> list[KeptGame]:
    """Return the games that were played last, the newest first."""
    table = evaluation_games.c
    query = select(evaluation_games).where(*wanted.conditions())
    query = query.order_by(table.ended.desc(), table.run, table.number.desc()).limit(limit)
    with database.reading() as connection:
        return [_kept(row) for row in connection.execute(query)]


def find_kept_game(database: GamesDatabase, name: str) -> tuple[KeptGame, Json]:
    """Return a game by `RUN/NUMBER` with its record; `NoSuchEvaluationGame` if it is not there, or has no moves."""
    form = _NAME.fullmatch(name.lower())
    if form is None:
        raise NoSuchEvaluationGame(f"{name!r} is no game of an evaluation: name it as RUN/NUMBER, 0123abcd/3")
    table = evaluation_games.c
    query = _with_moves().where(table.run.startswith(form[1]), table.number == int(form[2])).limit(2)
    with database.reading() as connection:
        rows = connection.execute(query).all()
    if len(rows) != 1:
        problem = (
            f"more than one run begins with {form[1]!r}" if rows else f"there is no game {name!r} of an evaluation"
        )
        raise NoSuchEvaluationGame(f"{problem}; `ringrift evaluations games` lists them")
    if rows[0].actions is None:
        raise NoSuchEvaluationGame(f"{name}: its moves were not kept: it was played by an earlier version")
    return _kept(rows[0]), _record(rows[0])


def kept_records(database: GamesDatabase, wanted: GameFilter, *, limit: int | None = None) -> Iterator[Json]:
    """Yield the records of games, by run and number; games whose moves were not kept are left out."""
    table = evaluation_games.c
    query = _with_moves().where(*wanted.conditions(), evaluation_moves.c.actions.is_not(None))
    query = query.order_by(table.run, table.number).limit(limit)
    with database.reading() as connection:
        for rows in connection.execute(query).partitions(PAGE):
            yield from map(_record, rows)


def _with_moves() -> Select[Any]:
    moves = evaluation_moves.c
    return select(evaluation_games, moves.opening_plies, moves.max_moves, moves.actions).outerjoin(evaluation_moves)


def _kept(row: Row[Any]) -> KeptGame:
    lists = {"players": tuple(orjson.loads(row.players)), "ranks": row.ranks and tuple(orjson.loads(row.ranks))}
    return KeptGame(**{name: getattr(row, name) for name in KeptGame.__dataclass_fields__} | lists)


def _record(row: Row[Any]) -> Json:
    """Return the record of a game: seats, opening, limits, canonical moves, result."""
    kept = _kept(row)
    actions = unpack_actions(row.actions).tolist()
    game = Game.from_record({"config": kept.config, "actions": actions}, max_moves=row.max_moves)
    return game.record(
        run=kept.run,
        game=kept.number,
        kind=kept.kind,
        seed=kept.seed,
        engines=list(kept.players),
        opening={"number": kept.opening, "plies": row.opening_plies},
        maxMoves=row.max_moves,
        ended=kept.ended,
    )
