"""The games of now: those of self-play as they go on, the newest of the database, and their rates."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from anyio.to_thread import run_sync
from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from sqlalchemy import func, select

from ringrift.errors import RingRiftError
from ringrift.game import Game, parse_config
from ringrift.game_database import AbsentDatabase
from ringrift.game_database.schema import games
from ringrift.pipeline.status import SELFPLAY
from ringrift.selfplay.live import LiveWorker, RunningGame, live_workers
from ringrift.web.context import Context, WebContext
from ringrift.web.pages.frames import Frame, Outcome, frame, outcome_of, play_frames
from ringrift.web.pages.games import COLUMNS, WINDOW, GameRow, newest_id, read_rows
from ringrift.web.pages.remembered import Remembered

SHOWN: Final = 4
"""Games of the database, the newest."""
WATCHED: Final = 6
"""Games that go on; the others of many workers are left out."""
HOUR: Final = 3600
SECONDS: Final = 3
"""The time for which an answer of the database is kept."""
EVENT_SECONDS: Final = 2.0
STREAM_SECONDS: Final = 600.0
"""The length of a stream, after which the browser opens another one: access that was withdrawn ends then."""

router = APIRouter()


class Rate(BaseModel):
    """Games of a config from a host."""

    config: str
    host: str
    games: int
    """The games that have ended within the last hour."""


class Worker(BaseModel):
    """A process of self-play that plays now."""

    config: str
    host: str
    worker: str
    games: int
    """The games that have ended since it began."""
    side_by_side: int
    games_per_second: float
    moves_per_second: float


class Live(BaseModel):
    """The games that are played now, and those that came in last."""

    last: int
    """The number of the newest game; 0 before the first."""
    newest: list[GameRow]
    rates: list[Rate]
    """The rates among the newest 20,000 games, the most frequent first."""
    workers: list[Worker]


class Watched(BaseModel):
    """A game that goes on, or its new frames."""

    key: str
    """The key by which it is told from the others."""
    config: str
    host: str
    worker: str
    game: int
    engines: list[str]
    anew: bool
    """Whether the first frame is a whole position; otherwise all frames follow those that were sent before."""
    frames: list[Frame]
    outcome: Outcome | None


class Event(Live):
    """An event of the stream."""

    watched: list[Watched]
    """All games that are shown, those without anything new among them."""


_lives: Remembered[Live] = Remembered(SECONDS)


@router.get("/live")
def live(context: Context) -> Live:
    """Return the workers that play now, the games that have come in last, and games an hour by host and config."""
    return _live(context, list(live_workers(context.home / SELFPLAY)))


@router.get("/live/events", include_in_schema=False)
def events(context: Context) -> StreamingResponse:
    """Send what `/live` returns, and the games of self-play as they are played, as server-sent events.

    It has no place in the schema, which knows no answers without an end.
    """
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(context), media_type="text/event-stream", headers=headers)


async def _events(context: WebContext) -> AsyncIterator[str]:
    watcher = Watcher()
    end = time.monotonic() + STREAM_SECONDS
    while time.monotonic() < end:
        event = await run_sync(_event, context, watcher)
        yield f"data: {event.model_dump_json()}\n\n"
        await asyncio.sleep(EVENT_SECONDS)


def _event(context: WebContext, watcher: Watcher) -> Event:
    workers = list(live_workers(context.home / SELFPLAY))
    return Event(**vars(_live(context, workers)), watched=watcher.look(workers))


@dataclass
class Watcher:
    """The games that one reader watches, as far as they have been sent."""

    games: dict[str, Game] = field(default_factory=dict)

    def look(self, workers: list[LiveWorker]) -> list[Watched]:
        """Return some games of every worker, with their new frames; those that are not legal are passed over."""
        share = max(1, WATCHED // max(1, len(workers)))
        chosen = [(worker, running) for worker in workers for running in worker.running[:share]][:WATCHED]
        known, self.games = self.games, {}
        watched = []
        for worker, running in chosen:
            key = f"{worker.host}/{worker.worker}/{worker.run}/{running.game}"
            try:
                watched.append(self._watched(key, known.get(key), worker, running))
            except (RingRiftError, IndexError):
                self.games.pop(key, None)
        return watched

    def _watched(self, key: str, game: Game | None, worker: LiveWorker, running: RunningGame) -> Watched:
        goes_on = game is not None and game.actions == running.actions[: len(game.actions)]
        if game is not None and goes_on:
            frames = play_frames(game, running.actions[len(game.actions) :])
        else:
            board, players = parse_config(worker.config)
            game = Game(board.name, players, max_moves=worker.max_moves)
            for action in running.actions:
                game.play(action)
            frames = [frame(game)]
        self.games[key] = game
        return Watched(
            key=key,
            config=worker.config,
            host=worker.host,
            worker=worker.worker,
            game=running.game,
            engines=running.engines,
            anew=not goes_on,
            frames=frames,
            outcome=outcome_of(game),
        )


def _live(context: WebContext, workers: list[LiveWorker]) -> Live:
    stored = _lives.get(context.home, lambda: _stored(context))
    shown = [Worker(**{name: getattr(worker, name) for name in Worker.model_fields}) for worker in workers]
    return stored.model_copy(update={"workers": shown})


def _stored(context: WebContext) -> Live:
    """Return the part that comes from the database, without workers."""
    try:
        database = context.database()
    except AbsentDatabase:
        return Live(last=0, newest=[], rates=[], workers=[])
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
        workers=[],
    )
