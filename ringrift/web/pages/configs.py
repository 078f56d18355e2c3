"""A config: the strength of its models, what the gate has said, where champions come from, and its games in numbers."""

from __future__ import annotations

import math
from typing import Any, Final

from fastapi import APIRouter
from pydantic import BaseModel

from ringrift.evaluation.store import newest_ratings, scores_between, stored_evaluations
from ringrift.game import parse_config
from ringrift.game_database import Selection
from ringrift.game_database.statistics import games_statistics
from ringrift.models import ModelStore, StoredModel, history
from ringrift.pipeline.curve import Point, learning_curve
from ringrift.pipeline.iteration import FOLDER
from ringrift.pipeline.model_quality import measures
from ringrift.web.context import Context
from ringrift.web.pages.remembered import Remembered

SECONDS: Final = 60
"""Statistics read all games of a config."""
MOST: Final = 200
"""Models and decisions of a page, the newest."""
COMPARED: Final = 12
"""Players of a cross-table."""
IDENTITY_DIGITS: Final = 8

router = APIRouter()


class Rated(BaseModel):
    """A player of the Elo scale."""

    player: str
    elo: float
    low: float
    high: float
    games: int


class Model(BaseModel):
    """A model of the store."""

    id: str
    status: str
    created: int
    parent: str | None
    games: int | None
    """The games of its config that its training could choose from."""
    samples: int | None
    parameters: int | None
    pruned: bool
    dataset: str | None
    """The identity of the data set that it has learned from, in short."""
    loss: float | None
    """The total loss on games held out."""
    gap: float | None
    """The loss on games held out less that on samples of training."""
    calibration: float | None
    """The expected calibration error of its values."""


class Check(BaseModel):
    """A condition of the gate, and what has come of it."""

    name: str
    asks: str
    limit: str
    measured: str
    verdict: str


class Decision(BaseModel):
    """An entry of the history of champions."""

    model: str
    previous: str | None
    when: int
    kind: str
    forced: bool
    why: str
    checks: list[Check]


class Evaluated(BaseModel):
    """An evaluation of some players."""

    id: int
    kind: str
    candidate: str | None
    passed: bool | None
    finished: int
    opponents: list[Score]


class Score(BaseModel):
    """Games against an opponent of a gauntlet."""

    role: str
    opponent: str
    games: int
    share: float
    low: float
    high: float
    verdict: str


class CurvePoint(BaseModel):
    """A model on the curve of learning."""

    model: str
    created: int
    games: int
    cpu_hours: float | None
    hours: float
    """The hours that the stages of learning took up to it, whoever ran them."""
    elo: dict[str, tuple[float, float, float]]
    promoted: bool


class ConfigPage(BaseModel):
    """All of a config but its games."""

    config: str
    points: list[CurvePoint]
    anchors: dict[str, float]
    """Elo of the players that do not change."""
    ratings: list[Rated]
    models: list[Model]
    decisions: list[Decision]
    evaluations: list[Evaluated]


class SeatShare(BaseModel):
    """How often a seat has won, of the games that were won."""

    seat: int
    won: int
    share: float
    low: float
    high: float


class Statistics(BaseModel):
    """The games of a config in numbers."""

    games: int
    held_out: int
    endings: dict[str, int]
    seats: list[SeatShare]
    mean_moves: float
    moves: dict[str, int]
    """Moves a game: quantiles by their names."""
    openings: int
    distinct: int
    resigned: int
    uses: dict[str, float]
    """Games in which something occurs at all, as a share."""
    engines: dict[str, int]
    lengths: list[tuple[int, int]]
    """Games by their moves, in about 40 steps."""


class CrossTable(BaseModel):
    """The results of rated games, player against player."""

    players: list[str]
    """The strongest first."""
    scores: list[list[float | None]]
    """`[players, players]`, what the one of the row scored on average, 0 … 1; None where they have not met."""
    games: list[list[int]]


_cross_tables: Remembered[CrossTable] = Remembered(SECONDS)
_statistics: Remembered[Statistics | None] = Remembered(SECONDS)


@router.get("/configs/{config}")
def config_page(context: Context, config: str) -> ConfigPage:
    """Return the models of a config, their strength, and what the gate has said about them."""
    parse_config(config)
    database = context.database()
    store = ModelStore(database, context.models)
    curve = learning_curve(store, config, context.home / FOLDER)
    return ConfigPage(
        config=config,
        points=[_point(point) for point in curve.points],
        anchors=curve.anchors,
        ratings=[Rated(**_fields(one, Rated)) for one in newest_ratings(database, config)],
        models=[_model(one) for one in store.listed(config)[:MOST]],
        decisions=[
            Decision(
                model=one.model,
                previous=one.previous,
                when=one.when,
                kind=one.kind,
                forced=one.forced,
                why=one.why,
                checks=[
                    Check(**{name: str(check.get(name, "")) for name in Check.model_fields})
                    for check in (one.verdict or {}).get("checks", [])
                ],
            )
            for one in history(store, config=config)[:MOST]
        ],
        evaluations=[
            Evaluated(
                id=one.id,
                kind=one.kind,
                candidate=one.candidate,
                passed=one.passed,
                finished=one.finished,
                opponents=[_score(opponent) for opponent in one.report.get("opponents", [])],
            )
            for one in stored_evaluations(database, config)[:MOST]
        ],
    )


@router.get("/configs/{config}/cross-table")
def cross_table(context: Context, config: str) -> CrossTable:
    """Return how the strongest players of a config have done against each other in rated games."""
    parse_config(config)
    return _cross_tables.get((context.home, config), lambda: _cross(context, config))


def _cross(context: Context, config: str) -> CrossTable:
    database = context.database()
    found = scores_between(database, config)
    met = {player for player, _ in found}
    players = [one.player for one in newest_ratings(database, config) if one.player in met][:COMPARED]
    pairs = [[found.get((one, other), (0, 0.0)) for other in players] for one in players]
    return CrossTable(
        players=players,
        scores=[[score / games if games else None for games, score in row] for row in pairs],
        games=[[games for games, _ in row] for row in pairs],
    )


@router.get("/configs/{config}/statistics")
def statistics(context: Context, config: str) -> Statistics | None:
    """Return the games of a config in numbers; null where there are none."""
    parse_config(config)
    return _statistics.get((context.home, config), lambda: _work_out(context, config))


def _work_out(context: Context, config: str) -> Statistics | None:
    found = games_statistics(context.database(), Selection(config=config)).configs
    if not found:
        return None
    one = found[0]
    return Statistics(
        games=one.games,
        held_out=one.held_out,
        endings=one.endings,
        seats=[SeatShare(**vars(seat)) for seat in one.seats],
        mean_moves=one.mean_moves,
        moves=one.moves,
        openings=one.openings,
        distinct=one.distinct,
        resigned=one.resigned,
        uses={name: use.share for name, use in one.uses.items()},
        engines=dict(list(one.engines.items())[:12]),
        lengths=_in_steps(one.lengths),
    )


def _in_steps(lengths: dict[int, int], steps: int = 40) -> list[tuple[int, int]]:
    """Return games by their moves, in equal steps."""
    low, high = min(lengths), max(lengths)
    wide = max(1, -(-(high - low + 1) // steps))
    found: dict[int, int] = dict.fromkeys(range(low, high + 1, wide), 0)
    for moves, count in lengths.items():
        found[low + (moves - low) // wide * wide] += count
    return list(found.items())


def _model(one: StoredModel) -> Model:
    measured = next(iter(measures([one])), None)
    return Model(
        id=one.id,
        status=one.status,
        created=one.created,
        parent=one.parent,
        pruned=one.pruned is not None,
        games=_number(one.training, "dataset", "provenance", "steps", 0, "games"),
        samples=_number(one.training, "dataset", "samples"),
        parameters=_number(one.training, "parameters"),
        dataset=_identity(one.training),
        loss=_finite(measured.loss) if measured else None,
        gap=_finite(measured.gap) if measured else None,
        calibration=_finite(measured.calibration) if measured else None,
    )


def _identity(training: Any) -> str | None:
    """Return the short identity of the data set of a training, whoever wrote the report."""
    dataset = training.get("dataset")
    identity = dataset.get("identity") if isinstance(dataset, dict) else None
    return str(identity)[:IDENTITY_DIGITS] if identity else None


def _finite(number: float | None) -> float | None:
    """Return a number that JSON can hold."""
    return number if number is not None and math.isfinite(number) else None


def _point(point: Point) -> CurvePoint:
    return CurvePoint(**_fields(point, CurvePoint))


def _score(opponent: dict[str, Any]) -> Score:
    return Score(
        role=str(opponent.get("role", "")),
        opponent=str(opponent.get("opponent", "")),
        games=int(opponent.get("games", 0)),
        share=float(opponent.get("score", 0)),
        low=float(opponent.get("low", 0)),
        high=float(opponent.get("high", 0)),
        verdict=str(opponent.get("verdict", "")),
    )


def _fields(found: object, kind: type[BaseModel]) -> dict[str, Any]:
    """Return the fields of a dataclass that a schema has, too."""
    return {name: getattr(found, name) for name in kind.model_fields}


def _number(found: Any, *way: str | int) -> int | None:
    """Return a number of a report that may be of an older version."""
    try:
        for name in way:
            found = found[name]
    except (KeyError, IndexError, TypeError):
        return None
    return found if isinstance(found, int) else None
