"""What comes in: the newest games, and how many an hour from which host."""

from __future__ import annotations

import time
from typing import Final

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import func, select

from ringrift.game_database import AbsentDatabase
from ringrift.game_database.schema import games
from ringrift.web.context import Context
from ringrift.web.pages.games import COLUMNS, WINDOW, GameRow, newest_id, read_rows
from ringrift.web.pages.remembered import Remembered

SHOWN: Final = 4
HOUR: Final = 3600
SECONDS: Final = 3

router = APIRouter()


class Rate(BaseModel):
    """Games of a config from a host."""

    config: str
    host: str
    games: int
    """The games that have ended within the last hour."""


class Live(BaseModel):
    """What has come in."""

    last: int
    """The number of the newest game; 0 before the first."""
    newest: list[GameRow]
    rates: list[Rate]
    """The rates among the newest 20,000 games, the most frequent first."""


_lives: Remembered[Live] = Remembered(SECONDS)


@router.get("/live")
def live(context: Context) -> Live:
    """Return the games that have come in last, and games an hour by host and config."""
    return _lives.get(context.home, lambda: _live(context))


def _live(context: Context) -> Live:
    try:
        database = context.database()
    except AbsentDatabase:
        return Live(last=0, newest=[], rates=[])
    last = newest_id(database)
    count = func.count().label("games")
    recent = (games.c.id > last - WINDOW, games.c.ended > int(time.time()) - HOUR)
    query = select(games.c.config, games.c.host, count).where(*recent).group_by(games.c.config, games.c.host)
    with database.reading() as connection:
        rows = connection.execute(query.order_by(count.desc())).all()
    return Live(
        last=last,
        newest=read_rows(database, select(*COLUMNS).order_by(games.c.id.desc()).limit(SHOWN)),
        rates=[Rate(config=row.config, host=row.host, games=row.games) for row in rows],
    )
