"""A game in the browser. The page holds the game, as the list of its actions; nothing is kept here.

So the address of a game in the browser is the game: it can be taken back, gone on with later, or handed on. Every
request replays the actions by the rules, and what agents choose depends on the seed and the actions alone.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from ringrift.agents import Agent
from ringrift.errors import RingRiftError
from ringrift.evaluation.analysis import Assessment, assess
from ringrift.game import Game, parse_config
from ringrift.game.records import record_line
from ringrift.game_database import AbsentDatabase
from ringrift.limits import move_limit
from ringrift.models import ModelStore
from ringrift.models.shipped import shipped_id
from ringrift.play import PERSON
from ringrift.version import code_version
from ringrift.web.context import Context, WebContext
from ringrift.web.pages.frames import Frame, Outcome, Table, frame, outcome_of, play_frames, table_of
from ringrift.web.pages.seats import LEVEL, spec_of
from ringrift.web.service import MoveService
from ringrift.web.service.routes import Service

CANDIDATES: Final = 8
"""Actions that a hint names."""
MODELS: Final = 5
"""Models beside the champion that are offered, the newest; any other can be named in the address."""
LONGEST_SEAT: Final = 60
MOST_ACTIONS: Final = 10_000
HINT: Final = "gumbel:heuristic@200"

router = APIRouter()
Seat = Annotated[str, Field(max_length=LONGEST_SEAT)]
Actions = Annotated[list[Annotated[int, Field(ge=0, lt=2**31)]], Field(max_length=MOST_ACTIONS)]


class BadGame(RingRiftError):
    """A game that cannot be played here."""


class Started(BaseModel):
    """A game as the page holds it."""

    config: Annotated[str, Field(max_length=LONGEST_SEAT)]
    seats: Annotated[list[Seat], Field(min_length=2, max_length=4)]
    """The players by seat: `person`, `level:3`, `champion@64`, or `<model>@64`."""
    seed: Annotated[int, Field(ge=0, lt=2**31)]
    actions: Actions = []


class Step(Started):
    """A game, and the request about it."""

    known: Annotated[int, Field(ge=0)] = 0
    """Positions that the page has."""
    advance: bool = False
    """Whether to play forced actions, and a turn of the player to act."""


class Position(BaseModel):
    """The present position of a game."""

    table: Table
    actions: list[int]
    """The actions that were added to the game of the request."""
    frames: list[Frame]
    """The positions that the page does not have yet."""
    legal: list[tuple[int, str]]
    """The actions that a person may choose from; empty if it is no person's choice."""
    waits: Literal["person", "player", "over"]
    """The next step of the game: a person's choice, an advance, or none."""
    outcome: Outcome | None


class Candidate(BaseModel):
    """An action in the view of a player."""

    key: str
    probability: float
    value: float
    """The value for the player to act, −1 … 1."""


class Hint(BaseModel):
    """A player's assessment of a position."""

    by: str
    values: list[float]
    """The values by seat."""
    candidates: list[Candidate]


class Choice(BaseModel):
    """A player that can be chosen for a seat."""

    seat: str
    name: str
    detail: str


class Choices(BaseModel):
    """The players that can be chosen for a seat."""

    choices: list[Choice]


@router.get("/players/{config}")
def choices(context: Context, config: str) -> Choices:
    """Return the players that can be chosen for a seat of a config."""
    board, players = parse_config(config)
    name = f"{board.name}_{players}p"
    offered = [Choice(seat=PERSON, name="A person", detail="at this screen")]
    for level in range(1, 11):
        spec = spec_of(f"{LEVEL}{level}", name, None)
        offered.append(Choice(seat=f"{LEVEL}{level}", name=f"Level {level}", detail=spec))
    store = _store(context)
    champion = None if store is None else store.champion(name)
    title, known = ("champion", champion.id) if champion else ("champion that comes with RingRift", shipped_id(name))
    if known is not None:
        offered += [
            Choice(seat=f"champion@{count}", name=f"The {title}, {count} simulations", detail=known)
            for count in (16, 64, 256)
        ]
    if store is None:
        return Choices(choices=offered)
    others = [model for model in store.listed(name) if model.pruned is None and model.status != "production"]
    offered += [
        Choice(seat=f"{model.id}@{count}", name=f"Model {model.id[:8]}, {count} simulations", detail=model.status)
        for model in others[:MODELS]
        for count in (16, 64)
    ]
    return Choices(choices=offered)


@router.post("/position")
def position(context: Context, service: Service, step: Step) -> Position:
    """Return the present position of a game; on demand, after forced actions and a turn of the player to act."""
    game = _begun(step)
    frames = [frame(game), *play_frames(game, step.actions)]
    before = len(step.actions)
    if step.advance:
        frames += _advance(context, service, game, step)
    waits = _waits(game, step.seats)
    legal = game.legal_actions().tolist() if waits == "person" else []
    return Position(
        table=table_of(game),
        actions=game.actions[before:],
        frames=frames[step.known :],
        legal=list(zip(legal, game.keys(), strict=True)) if legal else [],
        waits=waits,
        outcome=outcome_of(game),
    )


@router.post("/hint")
def hint(service: Service, game: Started) -> Hint:
    """Return a player's assessment of the position; the player is one of the service's, with their limits."""
    state = _begun(game)
    for action in game.actions:
        state.play(action)
    if state.is_over or len(state.legal_actions()) < 1:
        raise BadGame("the game is over: there is nothing to choose")
    position = state.array.reshape(1)

    def think(agent: Agent) -> Assessment:
        return next(assess(agent, state.board, state.players, position, top=CANDIDATES))

    assessment = service.pool.send(service.lineup.named(game.config, HINT), think).result()
    seat = state.player - 1
    return Hint(
        by=HINT,
        values=list(assessment.values),
        candidates=[
            Candidate(key=candidate.key, probability=candidate.policy, value=candidate.values[seat])
            for candidate in assessment.candidates
        ],
    )


@router.post("/record", response_class=Response)
def record(game: Started) -> Response:
    """Return the game as a line of JSON, in canonical moves."""
    played = _begun(game)
    for action in game.actions:
        played.play(action)
    line = record_line(played.record(seed=game.seed, engines=game.seats, code=code_version()))
    return Response(line.encode(), media_type="application/x-ndjson")


def _begun(started: Started) -> Game:
    board, players = parse_config(started.config)
    if len(started.seats) != players:
        raise BadGame(f"{started.config} has {players} seats, not {len(started.seats)}")
    return Game(board.name, players, max_moves=move_limit(started.config))


def _waits(game: Game, seats: list[str]) -> Literal["person", "player", "over"]:
    if game.is_over:
        return "over"
    return "person" if seats[game.player - 1] == PERSON and len(game.legal_actions()) > 1 else "player"


def _advance(context: WebContext, service: MoveService, game: Game, step: Step) -> list[Frame]:
    """Play forced actions and a player's choices, to the end of its turn or until a person has a choice."""
    store = _store(context)
    frames: list[Frame] = []
    seat, turn = game.player, int(game.array["turn"])
    chose = False
    while _waits(game, step.seats) == "player":
        legal = game.legal_actions()
        if len(legal) == 1:
            frames += play_frames(game, legal.tolist())
            continue
        if chose and (game.player, int(game.array["turn"])) != (seat, turn):
            break  # the next player's turn is another request, so that the page shows one after the other
        seat, turn, chose = game.player, int(game.array["turn"]), True
        player = service.lineup.named(game.config, spec_of(step.seats[seat - 1], game.config, store))
        decision = service.pool.decide(player, game.array.reshape(1).copy(), step.seed).result()
        frames += play_frames(game, [decision.action])
    return frames


def _store(context: WebContext) -> ModelStore | None:
    """Return the store of models; None where there is no database yet, so that a fresh clone can play."""
    try:
        return ModelStore(context.database(), context.models)
    except AbsentDatabase:
        return None
