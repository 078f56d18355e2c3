"""Games of the database, a page at a time; one of them whole; and one from a file that a person opens."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import numpy as np
import orjson
from fastapi import APIRouter, Body, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import Row, Select, func, select

from ringrift.errors import RingRiftError
from ringrift.game import BadRecord, Game, parse_config
from ringrift.game_database import GamesDatabase, Selection, read_game
from ringrift.game_database.admission import Candidate, read_candidate
from ringrift.game_database.export import canonical_line
from ringrift.game_database.schema import counters, games
from ringrift.game_database.selection import find_game, holdout_bound
from ringrift.selfplay import GameRecord
from ringrift.strict_json import BadJson, parse_json
from ringrift.web.context import Context
from ringrift.web.pages.frames import Replay, replay

PAGE: Final = 50
"""Games of a page."""
WINDOW: Final = 20_000
"""Games that a page looks through at most for a filter that no index answers."""
LONGEST_FILTER: Final = 200
STOPPED: Final = "stopped"
"""The end of a game that reached its limit of moves."""
COLUMNS: Final = (
    *(games.c[name] for name in ("id", "config", "run", "game", "engines", "models", "winner", "reason")),
    *(games.c[name] for name in ("plies", "host", "ended", "lot", "origin")),
)
"""The columns of games that lists show."""

router = APIRouter()
Text = Annotated[str | None, Field(max_length=LONGEST_FILTER)]


class GamesQuery(BaseModel):
    """Filters on games; None lets everything pass."""

    config: Text = None
    engine: Text = None
    """The beginning of the spec of some seat's engine."""
    model: Text = None
    run: Text = None
    reason: Text = None
    """The reason of the end of the game."""
    part: Literal["training", "holdout"] | None = None
    before: Annotated[int | None, Field(ge=1)] = None
    """`older` of the page before."""

    @property
    def is_indexed(self) -> bool:
        """Whether an index leads to the games, so that no other has to be looked at."""
        return not (self.engine or self.model or self.run or self.reason or self.part)


class GameRow(BaseModel):
    """A game in a list."""

    id: int
    config: str
    run: str
    game: int
    engines: list[str]
    """The specs by seat, as the next."""
    models: list[str | None]
    winner: int | None
    reason: str
    plies: int
    host: str
    ended: int
    held_out: bool


class GamesPage(BaseModel):
    """Some games, the newest first."""

    games: list[GameRow]
    older: int | None
    """The id at which the next page begins; None at the end."""
    looked_at: int
    """Games that were looked through for this page, at most."""
    counted: int
    """Games of the config, or of all."""


class GameReplay(BaseModel):
    """A game of the database."""

    about: GameRow
    replay: Replay


@router.get("/games")
def browse(context: Context, asked: Annotated[GamesQuery, Query()]) -> GamesPage:
    """List games that pass the filters, the newest first."""
    selection = Selection(asked.config, asked.engine, asked.model, asked.run, part=asked.part)
    database = context.database()
    conditions = selection.conditions()
    if asked.reason is not None:
        of_end = games.c.reason.is_(None) if asked.reason == STOPPED else games.c.reason == asked.reason
        conditions.append(of_end)
    newest = newest_id(database)
    first = newest + 1 if asked.before is None else min(asked.before, newest + 1)
    bottom = 1 if asked.is_indexed else max(1, first - WINDOW)
    query = select(*COLUMNS).where(*conditions, games.c.id < first, games.c.id >= bottom)
    rows = read_rows(database, query.order_by(games.c.id.desc()).limit(PAGE + 1))
    shown = rows[:PAGE]
    more = shown[-1].id if len(rows) > PAGE else bottom
    return GamesPage(
        games=shown,
        older=more if more > 1 else None,
        looked_at=len(shown) if asked.is_indexed else first - more,
        counted=count_games(database, asked.config),
    )


@router.get("/games/{name}/replay")
def replay_stored(context: Context, name: str) -> GameReplay:
    """Return a game of the database, by its number or the beginning of its identity, position by position."""
    row = find_game(context.database(), name)
    return GameReplay(about=_game_row(row, holdout_bound()), replay=_replay(read_game(row).record))


@router.get("/games/{name}/record", response_class=Response)
def download(context: Context, name: str, moves: bool = False) -> Response:
    """Return a game as a line of JSON: our record, or in canonical moves for other programs."""
    candidate: Candidate = read_game(find_game(context.database(), name))
    line = canonical_line(candidate) if moves else candidate.to_line()
    return Response(line, media_type="application/x-ndjson", headers={"Content-Disposition": "attachment"})


@router.post("/replay")
def replay_line(line: Annotated[bytes, Body(media_type="text/plain")]) -> Replay:
    """Return the game of a line that a person has opened: a record of ours, or of another program. Nothing is kept."""
    try:
        fields = parse_json(line)
    except BadJson as error:
        raise BadRecord(str(error)) from None
    if not isinstance(fields, dict):
        raise BadRecord(f"a record must be an object, not {type(fields).__name__}")
    if "format" in fields:
        return _replay(read_candidate(line).record)
    try:
        start, game = Game.opening(fields), Game.from_record(fields)
    except RingRiftError:
        raise
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        raise BadRecord(f"a field is not of its type ({error})") from None
    engines = fields.get("engines")
    if not (isinstance(engines, list) and len(engines) == game.players and all(isinstance(e, str) for e in engines)):
        engines = ["unknown"] * game.players
    return replay(start, game.actions, engines=engines)


def _replay(record: GameRecord) -> Replay:
    board, players = parse_config(record.config)
    start = Game(board.name, players, max_moves=record.max_moves)
    actions = np.asarray(record.actions).tolist()
    return replay(start, actions, engines=record.engines, models=record.models, search=record.search)


def newest_id(database: GamesDatabase) -> int:
    """Return the id of the game that has come in last, 0 before the first."""
    with database.reading() as connection:
        return int(connection.execute(select(func.max(games.c.id))).scalar() or 0)


def read_rows(database: GamesDatabase, query: Select[Any]) -> list[GameRow]:
    """Return the games of a query of `COLUMNS`."""
    bound = holdout_bound()
    with database.reading() as connection:
        return [_game_row(row, bound) for row in connection.execute(query)]


def _game_row(row: Row[Any], bound: int) -> GameRow:
    """Return a row of `games` for a list; games whose lot is below the bound are held out."""
    known = {name: getattr(row, name) for name in ("id", "config", "run", "game", "winner", "plies", "host", "ended")}
    return GameRow(
        **known,
        engines=orjson.loads(row.engines),
        models=orjson.loads(row.models),
        reason=row.reason or STOPPED,
        held_out=row.lot < bound,
    )


def count_games(database: GamesDatabase, config: str | None) -> int:
    """Return the number of games, by the counters: no table is scanned."""
    query = select(func.coalesce(func.sum(counters.c.count), 0)).where(counters.c.name == "games")
    if config is not None:
        query = query.where(counters.c.config == config)
    with database.reading() as connection:
        return int(connection.execute(query).scalar_one())
