"""Games of the database, as game servers and their programs ask for them."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import BaseModel, Field

from ringrift.game import Game
from ringrift.game_database import Selection, read_game
from ringrift.game_database.export import replayed
from ringrift.game_database.schema import games
from ringrift.game_database.selection import NoSuchGame, count_parts, describe, find_game, stored_games
from ringrift.web.context import Context, WebContext
from ringrift.web.service.answers import Problem

MOST: Final = 100
LARGEST_ID: Final = 2**62
Name = Annotated[str, Path(max_length=64, description="Its number, or 4 or more digits of its identity.")]
NO_SUCH_GAME: Final[dict[int | str, dict[str, Any]]] = {404: {"model": Problem}}

router = APIRouter(prefix="/api/replay", tags=["replay"])


class GamesQuery(BaseModel):
    """Filters on games, the newest first; an absent one lets everything pass."""

    config: Annotated[str, Field(max_length=40)] | None = None
    engine: Annotated[str, Field(max_length=200)] | None = None
    model: Annotated[str, Field(max_length=64)] | None = None
    run: Annotated[str, Field(max_length=200)] | None = None
    part: Literal["training", "holdout"] | None = None
    before: Annotated[int, Field(ge=1, le=LARGEST_ID)] | None = None
    """`next` of the answer before."""
    limit: Annotated[int, Field(ge=1, le=MOST)] = 20


class GamesList(BaseModel):
    """A page of games."""

    games: list[dict[str, Any]]
    next: int | None
    """The value of `before` for the next page; null on the last one."""


class Moves(BaseModel):
    """The moves of a game, in canonical form."""

    config: str
    moves: list[dict[str, Any]]


class Position(BaseModel):
    """A position of a game."""

    config: str
    move: int
    moves: int
    """The moves of the whole game."""
    state: dict[str, Any]
    state_hash: str


class Counts(BaseModel):
    """Games by config."""

    training: int
    holdout: int


@router.get("/games")
def list_games(context: Context, asked: Annotated[GamesQuery, Query()]) -> GamesList:
    """List games, the newest first."""
    selection = Selection(config=asked.config, engine=asked.engine, model=asked.model, run=asked.run, part=asked.part)
    query = stored_games().where(*selection.conditions()).order_by(games.c.id.desc()).limit(asked.limit)
    if asked.before is not None:
        query = query.where(games.c.id < asked.before)
    with context.database().reading() as connection:
        rows = list(connection.execute(query))
    return GamesList(games=[describe(row) for row in rows], next=rows[-1].id if len(rows) == asked.limit else None)


@router.get("/games/{game}", responses=NO_SUCH_GAME)
def show_game(context: Context, game: Name) -> dict[str, Any]:
    """Return the description of a game."""
    return describe(_row(context, game))


@router.get("/games/{game}/moves", responses=NO_SUCH_GAME)
def list_moves(context: Context, game: Name) -> Moves:
    """List the moves of a game."""
    played = _replayed(context, game)
    return Moves(config=played.config, moves=played.record()["moves"])


@router.get("/games/{game}/state", responses=NO_SUCH_GAME)
def show_state(context: Context, game: Name, move: Annotated[int, Query(ge=0, le=100_000)] = 0) -> Position:
    """Show the position after a number of moves."""
    played = _replayed(context, game)
    moves = played.record()["moves"]
    if move > len(moves):
        raise HTTPException(404, f"move: the game has {len(moves)} moves")
    while int(played.array["ply"]) > move or played.array["owed"] > 2:
        played.undo()
    return Position(
        config=played.config, move=move, moves=len(moves), state=played.state(), state_hash=f"{played.hash():016x}"
    )


@router.get("/stats")
def count_games(context: Context) -> dict[str, Counts]:
    """Count games by config."""
    return {
        config: Counts(training=training, holdout=holdout)
        for config, (training, holdout) in count_parts(context.database()).items()
    }


def _row(context: WebContext, name: str) -> Any:
    try:
        return find_game(context.database(), name)
    except NoSuchGame as error:
        raise HTTPException(404, str(error)) from None


def _replayed(context: WebContext, name: str) -> Game:
    return replayed(read_game(_row(context, name)))
