"""The games that were played for evaluations: gauntlets, gates, ratings and tournaments; each of them as a replay."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from ringrift.evaluation.kept_games import GameFilter, KeptGame, find_kept_game, newest_games
from ringrift.game import Game
from ringrift.web.context import Context
from ringrift.web.pages.frames import Replay, replay

MOST: Final = 100
"""Games of a list, the newest."""

router = APIRouter()
Text = Annotated[str | None, Field(max_length=200)]


class EvaluationsQuery(BaseModel):
    """Filters, all of which a game has to pass."""

    config: Text = None
    kind: Text = None
    player: Text = None
    """A part of the name of some seat's player, such as the id of a model."""
    run: Text = None


class EvaluationGame(BaseModel):
    """A game in a list."""

    run: str
    number: int
    config: str
    kind: str
    players: list[str]
    """The players by seat."""
    winner: int | None
    """The seat; None for a game that was stopped."""
    reason: str | None
    plies: int
    ended: int


class EvaluationReplay(BaseModel):
    """A game of an evaluation."""

    about: EvaluationGame
    replay: Replay


@router.get("/evaluations")
def evaluation_games(context: Context, asked: Annotated[EvaluationsQuery, Query()]) -> list[EvaluationGame]:
    """Return the games of evaluations that were played last, the newest first."""
    played = newest_games(context.database(), GameFilter(**vars(asked)), MOST)
    return [_listed(game) for game in played]


@router.get("/evaluations/{run}/{number}/replay")
def replay_evaluation(context: Context, run: str, number: int) -> EvaluationReplay:
    """Return a game of an evaluation position by position; 422 where its moves were not kept."""
    kept, record = find_kept_game(context.database(), f"{run}/{number}")
    played = Game.from_record(record)
    return EvaluationReplay(
        about=_listed(kept),
        replay=replay(Game.opening(record), played.actions, engines=kept.players),
    )


def _listed(game: KeptGame) -> EvaluationGame:
    return EvaluationGame(
        run=game.run,
        number=game.number,
        config=game.config,
        kind=game.kind,
        players=list(game.players),
        winner=None if game.ranks is None else game.ranks.index(1) + 1,
        reason=game.reason,
        plies=game.plies,
        ended=game.ended,
    )
