"""The database of evaluations: their games, their reports, and the history of Elo."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np
import numpy.typing as npt
import orjson
from sqlalchemy import Connection, Row, delete, func, select

from ringrift.evaluation.elo import Rating, Ratings
from ringrift.evaluation.matches import MatchPlan, PlayedGame
from ringrift.evaluation.results import GameResult
from ringrift.evaluation.schema import RATED, GameKind, elo, evaluation_games, evaluation_moves, evaluations
from ringrift.game_database import GamesDatabase
from ringrift.game_database.counters import count
from ringrift.game_database.packing import pack_actions, unpack_actions
from ringrift.game_database.pool import hash_actions

RUN_DIGITS = 16
ANSWERS: Final = Path("data/evaluation/answers.db")
"""The database of the games that a machine has played for others, so that it goes on after an interruption."""


@dataclass(frozen=True)
class Evaluation:
    """A stored evaluation."""

    id: int
    config: str
    kind: str
    candidate: str | None
    passed: bool | None
    finished: int
    """The time in seconds since 1970."""
    report: Mapping[str, Any]


@dataclass(frozen=True)
class RatedAt:
    """A rating of the history."""

    rating: Rating
    fit: int
    fitted: int
    """The time in seconds since 1970."""


@dataclass(frozen=True)
class Forgotten:
    """The games that were removed, or would be."""

    games: int
    bytes: int
    """The size of their moves."""
    kept: int
    """The games that stay."""


def run_of(kind: GameKind, plan: MatchPlan) -> str:
    """Return the identity of a plan of games; `plan.players` are the names of the players."""
    if kind not in get_args(GameKind):
        raise ValueError(f"unknown kind of evaluation games: {kind}")
    return sha256(orjson.dumps([kind, asdict(plan)])).hexdigest()[:RUN_DIGITS]


def store_game(database: GamesDatabase, kind: GameKind, plan: MatchPlan, played: PlayedGame) -> None:
    """Store a game that has ended, with its moves; one that is stored already stays as it is."""
    key = {"run": run_of(kind, plan), "number": played.scheduled.number}
    row = key | {
        "planned": plan.games,
        "config": plan.config,
        "kind": kind,
        "players": _text([plan.players[agent] for agent in played.scheduled.seating]),
        "opening": played.scheduled.opening,
        "seed": plan.seed,
        "ranks": None if played.ranks is None else _text(played.ranks),
        "reason": played.reason,
        "plies": played.plies,
        "actions_hash": hash_actions(played.actions),
        "ended": _now(),
    }
    moves = key | {
        "opening_plies": plan.opening_plies,
        "max_moves": plan.max_moves,
        "actions": pack_actions(played.actions),
    }
    with database.writing() as connection:
        if connection.execute(database.insert(evaluation_games), row).rowcount:
            count(connection, "evaluation_games", plan.config, kind)
        connection.execute(database.insert(evaluation_moves), moves)


def forget_games(database: GamesDatabase, before: float, *, apply: bool) -> Forgotten:
    """Remove the runs whose last game ended before a moment; without `apply` only count them.

    A run is kept or removed as a whole, so that one that is being played keeps what it has.

    :param before: seconds since 1970.
    """
    old = select(evaluation_games.c.run).group_by(evaluation_games.c.run)
    old = old.having(func.max(evaluation_games.c.ended) < before)
    moves = evaluation_moves.c
    with database.writing() as connection:
        size = select(func.count(), func.coalesce(func.sum(func.length(moves.actions)), 0)).where(moves.run.in_(old))
        games, size_bytes = connection.execute(size).one()
        kept = select(func.count()).where(evaluation_games.c.run.not_in(old))
        forgotten = Forgotten(games, size_bytes, connection.execute(kept).scalar_one())
        if apply and games:
            connection.execute(delete(evaluation_games).where(evaluation_games.c.run.in_(old)))
    if apply and games:
        database.compact()
    return forgotten


def stored_games(database: GamesDatabase, run: str) -> dict[int, GameResult]:
    """Return the games of a run that have been played, by number."""
    query = select(evaluation_games).where(evaluation_games.c.run == run).order_by(evaluation_games.c.number)
    with database.reading() as connection:
        return {row.number: _result(row) for row in connection.execute(query)}


def stored_actions(database: GamesDatabase, run: str) -> dict[int, npt.NDArray[np.int32]]:
    """Return the actions of the games of a run, `[actions]` each, by number."""
    moves = evaluation_moves.c
    query = select(moves.number, moves.actions).where(moves.run == run).order_by(moves.number)
    with database.reading() as connection:
        return {row.number: unpack_actions(row.actions) for row in connection.execute(query)}


def rated_games(database: GamesDatabase, config: str) -> list[GameResult]:
    """Return all games that Elo is estimated from, those of a run together.

    A run that was broken off is left out: the games that it has are the short ones.
    """
    table = evaluation_games
    whole = (
        select(table.c.run)
        .where(table.c.config == config, table.c.kind.in_(RATED))
        .group_by(table.c.run, table.c.planned)
        .having(func.count() == table.c.planned)
    )
    query = select(table).where(table.c.run.in_(whole)).order_by(table.c.run, table.c.number)
    with database.reading() as connection:
        return [_result(row) for row in connection.execute(query)]


def scores_between(database: GamesDatabase, config: str) -> dict[tuple[str, str], tuple[int, float]]:
    """Return for every two players of rated games their comparisons, and what the first scored in all of them.

    Seats that finished level score ½ each, as in `GameResult.comparisons`.
    """
    table = evaluation_games.c
    number = func.count().label("games")
    query = select(table.players, table.ranks, number).where(table.config == config, table.kind.in_(RATED))
    scores: dict[tuple[str, str], tuple[int, float]] = {}
    with database.reading() as connection:
        for row in connection.execute(query.group_by(table.players, table.ranks)):
            ranks = None if row.ranks is None else tuple(orjson.loads(row.ranks))
            result = GameResult(tuple(orjson.loads(row.players)), ranks, "", 0)
            for first, second, score in result.comparisons():
                for pair, own in (((first, second), score), ((second, first), 1 - score)):
                    games, total = scores.get(pair, (0, 0.0))
                    scores[pair] = games + row.games, total + row.games * own
    return scores


def first_played(database: GamesDatabase, config: str) -> dict[str, int]:
    """Return when the first rated game of every player ended, by name."""
    table = evaluation_games
    query = (
        select(table.c.players, func.min(table.c.ended).label("first"))
        .where(table.c.config == config, table.c.kind.in_(RATED))
        .group_by(table.c.players)
    )
    played: dict[str, int] = {}
    with database.reading() as connection:
        for players, first in connection.execute(query):
            for name in orjson.loads(players):
                played[name] = min(first, played.get(name, first))
    return played


def store_evaluation(
    database: GamesDatabase,
    kind: str,
    config: str,
    report: Mapping[str, Any],
    *,
    candidate: str | None = None,
    passed: bool | None = None,
) -> None:
    """Store the report of an evaluation, unless the last one of its kind and candidate has the same."""
    key = {"config": config, "kind": kind, "candidate": candidate}
    content = {"passed": passed, "report": _text(report)}
    columns = evaluations.c
    last = (
        select(columns.passed, columns.report)
        .where(*(columns[name] == value for name, value in key.items()))
        .order_by(columns.id.desc())
        .limit(1)
    )
    with database.writing() as connection:
        row = connection.execute(last).mappings().first()
        if row is None or dict(row) != content:
            connection.execute(evaluations.insert(), key | content | {"finished": _now()})
            count(connection, "evaluations", config, kind)


def stored_evaluations(
    database: GamesDatabase, config: str, *, kind: str | None = None, candidate: str | None = None
) -> list[Evaluation]:
    """Return the evaluations of a config, the newest first; on demand only those of a kind or about a player."""
    query = select(evaluations).where(evaluations.c.config == config).order_by(evaluations.c.id.desc())
    if kind is not None:
        query = query.where(evaluations.c.kind == kind)
    if candidate is not None:
        query = query.where(evaluations.c.candidate == candidate)
    with database.reading() as connection:
        rows = connection.execute(query).mappings().all()
    return [Evaluation(**{**row, "report": orjson.loads(row["report"])}) for row in rows]


def count_evaluations(database: GamesDatabase, config: str, kind: str) -> int:
    """Return how many evaluations of a kind there have been."""
    query = select(func.count()).where(evaluations.c.config == config, evaluations.c.kind == kind)
    with database.reading() as connection:
        return int(connection.execute(query).scalar_one())


def store_ratings(database: GamesDatabase, config: str, ratings: Ratings) -> int:
    """Add a fit to the history, unless it is the same as the last one, and return its number."""
    with database.writing() as connection:
        last = _newest_fit(connection, config)
        fit = last[0].fit if last else 0
        if {entry.rating for entry in last} != set(ratings.players):
            fit += 1
            rows = [{"config": config, "fit": fit, "fitted": _now(), **asdict(rating)} for rating in ratings.players]
            connection.execute(elo.insert(), rows)
    return fit


def rating_history(database: GamesDatabase, config: str, *, player: str | None = None) -> list[RatedAt]:
    """Return all ratings of a config, or of one player, by fit and then from the strongest on."""
    query = select(elo).where(elo.c.config == config).order_by(elo.c.fit, elo.c.elo.desc(), elo.c.player)
    if player is not None:
        query = query.where(elo.c.player == player)
    with database.reading() as connection:
        return [_rated(row) for row in connection.execute(query)]


def newest_ratings(database: GamesDatabase, config: str) -> list[Rating]:
    """Return the ratings of the last fit, the strongest first; none before the first."""
    with database.reading() as connection:
        return [entry.rating for entry in _newest_fit(connection, config)]


def _newest_fit(connection: Connection, config: str) -> list[RatedAt]:
    newest = select(func.max(elo.c.fit)).where(elo.c.config == config).scalar_subquery()
    query = select(elo).where(elo.c.config == config, elo.c.fit == newest)
    query = query.order_by(elo.c.elo.desc(), elo.c.player)
    return [_rated(row) for row in connection.execute(query)]


def _rated(row: Row[Any]) -> RatedAt:
    return RatedAt(Rating(row.player, row.elo, row.low, row.high, row.games), row.fit, row.fitted)


def _result(row: Row[Any]) -> GameResult:
    return GameResult(
        players=tuple(orjson.loads(row.players)),
        ranks=None if row.ranks is None else tuple(orjson.loads(row.ranks)),
        block=f"{row.run}:{row.opening}",
        actions_hash=row.actions_hash,
    )


def _text(values: Any) -> str:
    return orjson.dumps(values).decode()


def _now() -> int:
    return int(time.time())
