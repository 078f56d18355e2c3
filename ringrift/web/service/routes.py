"""The routes of the service."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

import numpy as np
from fastapi import APIRouter, Body, Depends, Header, HTTPException, Request
from pydantic import BaseModel, ValidationError

from ringrift.agents.ladder import LEVELS
from ringrift.errors import RingRiftError
from ringrift.evaluation.heuristic_terms import heuristic_terms
from ringrift.game import configs
from ringrift.game.state import GAME_OVER
from ringrift.heuristic import load_weights
from ringrift.printable import one_line
from ringrift.web.guards import same_secret
from ringrift.web.service.answers import (
    EvaluateRequest,
    Evaluation,
    MoveAnswer,
    MoveRequest,
    PlayerEvaluation,
    PositionEvaluation,
    PositionRequest,
    Problem,
    RulesAnswer,
    RulesRequest,
)
from ringrift.web.service.moves import MoveService, heuristic_values
from ringrift.web.service.reading import BadGameState, ReadGame, read_game
from ringrift.web.service.writing import next_state, position_hash

NETWORK_SPEC: Final = "policy:{best}?temperature=0"
"""The player whose values are those of the champion's network."""
OVERLOADED: Final[dict[int | str, dict[str, Any]]] = {503: {"model": Problem}}

reading = APIRouter(tags=["service"])
playing = APIRouter(tags=["service"])
control = APIRouter(tags=["service"])
"""The routers, one for each kind of guard."""


def move_service(request: Request) -> MoveService:
    """Return the service of the application that handles the request."""
    service: MoveService = request.app.state.service
    return service


Service = Annotated[MoveService, Depends(move_service)]


def administrator(request: Request, x_admin_key: Annotated[str | None, Header(max_length=400)] = None) -> None:
    """Let requests with the key of `RINGRIFT_ADMIN_KEY` pass; none, if no key is set."""
    key: str | None = request.app.state.admin_key
    if not key or not same_secret(x_admin_key or "", key):
        raise HTTPException(403, "this changes what is loaded: send the key of RINGRIFT_ADMIN_KEY as X-Admin-Key")


@playing.post("/ai/move", responses=OVERLOADED)
async def move(request: MoveRequest, service: Service) -> MoveAnswer:
    """Find a move for a player: the one of that level of the ladder, or of a mode."""
    return await service.answer(request)


@playing.post("/ai/moves_batch", responses=OVERLOADED)
async def moves_batch(
    requests: Annotated[list[dict[str, Any]], Body(max_length=65_536)], service: Service
) -> list[MoveAnswer | Problem]:
    """Find moves in many positions; a fault of one is reported in its place."""
    if len(requests) > service.settings.batch_requests:
        raise BadGameState(f"body: at most {service.settings.batch_requests} requests, not {len(requests)}")
    return await asyncio.gather(*(_answer_or_problem(request, service) for request in requests))


async def _answer_or_problem(request: dict[str, Any], service: MoveService) -> MoveAnswer | Problem:
    try:
        return await service.answer(MoveRequest.model_validate(request))
    except ValidationError as error:
        return Problem(detail=first_problem(error.errors()))
    except RingRiftError as error:
        return Problem(detail=one_line(str(error)))


def first_problem(problems: Any) -> str:
    """Return the first fault of a request, in one line."""
    first = problems[0]
    where = ".".join(str(part) for part in first["loc"])
    return one_line(f"{where}: {first['msg']}")


@playing.post("/ai/evaluate")
def evaluate_for_player(request: EvaluateRequest, service: Service) -> Evaluation:
    """Judge a position for a player by the heuristic, feature by feature."""
    read = read_game(request.game_state, service.histories)
    seat = request.player_number - 1
    if seat >= read.players:
        raise BadGameState(f"player_number: {read.config} has {read.players} players, not {request.player_number}")
    breakdown = {
        name: values[seat] - (sum(values) - values[seat]) / (read.players - 1) for name, values in _terms(read).items()
    }
    return Evaluation(score=sum(breakdown.values()), breakdown=breakdown)


@playing.post("/ai/evaluate_position", responses=OVERLOADED)
async def evaluate_position(request: PositionRequest, service: Service) -> PositionEvaluation:
    """Judge a position for every player, by the heuristic and by the champion's network."""
    read = await asyncio.to_thread(read_game, request.game_state, service.histories)
    values = await asyncio.to_thread(heuristic_values, read, read.states)
    terms = await asyncio.to_thread(_terms, read)
    network: tuple[float, ...] | None = None
    player = service.lineup.named(read.config, NETWORK_SPEC)
    if player.model is not None and read.states[0]["phase"] != GAME_OVER:
        network = (await asyncio.wrap_future(service.pool.decide(player, read.states.copy(), 0))).values
    return PositionEvaluation(
        players=[
            PlayerEvaluation(
                player_number=seat + 1,
                value=values[seat],
                features={name: by_seat[seat] for name, by_seat in terms.items()},
                network_value=None if network is None else network[seat],
            )
            for seat in range(read.players)
        ],
        nn_model_id=player.model_id(),
        assumptions=list(read.assumed),
    )


def _terms(read: ReadGame) -> dict[str, tuple[float, ...]]:
    """Return the terms of the heuristic by seat; of a game that is over there are none."""
    if read.states[0]["phase"] == GAME_OVER:
        return {}
    return heuristic_terms(read.board, read.players, np.ascontiguousarray(read.states), load_weights(read.config))[0]


@playing.post("/rules/evaluate_move")
def evaluate_move(request: RulesRequest, service: Service) -> RulesAnswer:
    """Return whether a move is legal, and the position after it."""
    read = read_game(request.game_state, service.histories)
    game = read.game()
    try:
        game.play(request.move)
    except RingRiftError as error:
        return RulesAnswer(
            valid=False,
            reason=one_line(str(error)),
            next_state=None,
            state_hash=None,
            assumptions=list(read.assumed),
        )
    after = game.array.reshape(1)
    return RulesAnswer(
        valid=True,
        reason=None,
        next_state=next_state(request.game_state, read, after, request.move),
        state_hash=position_hash(after),
        assumptions=list(read.assumed),
    )


class LoadedModel(BaseModel):
    """A player that is loaded."""

    config: str
    ai_type: str
    nn_model_id: str | None
    nn_checkpoint: str | None
    decisions: int
    batches: int
    reloads: int
    waiting: int


class Models(BaseModel):
    """The loaded players, and the champions."""

    loaded: list[LoadedModel]
    champions: dict[str, str | None]
    """The id by config; null where there is no champion yet."""


class CacheStats(BaseModel):
    """The sizes and uses of the caches."""

    loaded_players: int
    histories: int
    evaluations_looked_up: int
    evaluations_known: int


class Cleared(BaseModel):
    """The numbers of unloaded players and dropped positions."""

    loaded_players: int
    histories: int


class Level(BaseModel):
    """A level of the ladder."""

    level: int
    ai_type: str | None
    available: bool
    """Whether its files are there."""
    detail: str
    """The reason why it is not available; else empty."""


@reading.get("/ai/models")
def models(service: Service) -> Models:
    """Return the loaded players, and the champions."""
    return Models(
        loaded=[
            LoadedModel(
                config=loaded.player.config,
                ai_type=loaded.player.mode,
                nn_model_id=loaded.player.model_id(),
                nn_checkpoint=None if loaded.player.model is None else loaded.player.model.name,
                decisions=loaded.decisions,
                batches=loaded.batches,
                reloads=loaded.reloads,
                waiting=loaded.waiting,
            )
            for loaded in service.pool.loaded()
        ],
        champions={config: champion_id(service, config) for config in config_names()},
    )


@reading.get("/ai/cache/stats")
def cache_stats(service: Service) -> CacheStats:
    """Return the sizes and uses of the caches."""
    loaded = service.pool.loaded()
    caches = [player.cache for player in loaded if player.cache is not None]
    return CacheStats(
        loaded_players=len(loaded),
        histories=len(service.histories),
        evaluations_looked_up=sum(cache.lookups for cache in caches),
        evaluations_known=sum(cache.hits for cache in caches),
    )


@control.delete("/ai/cache", dependencies=[Depends(administrator)], responses={403: {"model": Problem}})
def clear_cache(service: Service) -> Cleared:
    """Unload all players and clear the caches; the next request loads them again."""
    return Cleared(loaded_players=service.pool.clear(), histories=service.histories.clear())


@reading.get("/internal/ladder/health")
def ladder_health(service: Service) -> dict[str, list[Level]]:
    """Return the player of every level of every config, and whether its files are there."""
    return {config: [_level(service, config, level) for level in LEVELS] for config in config_names()}


def _level(service: MoveService, config: str, level: int) -> Level:
    try:
        player = service.lineup.player(config, level, None)
    except RingRiftError as error:
        return Level(level=level, ai_type=None, available=False, detail=one_line(str(error)))
    missing = player.model is not None and player.stamp is None
    detail = f"{player.model.name}: there is no such file" if missing and player.model is not None else ""
    return Level(level=level, ai_type=player.mode, available=not missing, detail=one_line(detail))


def config_names() -> list[str]:
    """Return the twelve configs."""
    return [f"{board}_{players}p" for board, players in configs()]


def champion_id(service: MoveService, config: str) -> str | None:
    """Return the id of a config's champion; None where there is none, or if it cannot be read now."""
    return service.lineup.named(config, NETWORK_SPEC).model_id()
