"""The page of a config: strength of its models, verdicts of the gate, lineage, and its games in numbers."""

from __future__ import annotations

import math
from typing import Any, Final

from fastapi import APIRouter
from pydantic import BaseModel

from ringrift.evaluation.store import newest_ratings, scores_between, stored_evaluations
from ringrift.game import parse_config
from ringrift.game_database import Selection
from ringrift.game_database.selection import before_newest
from ringrift.game_database.statistics import games_statistics
from ringrift.models import ModelStore, StoredModel, history
from ringrift.pipeline.curve import Point, learning_curve
from ringrift.pipeline.iteration import FOLDER
from ringrift.pipeline.model_quality import measures
from ringrift.web.context import Context
from ringrift.web.pages.games import count_games
from ringrift.web.pages.remembered import Remembered

SECONDS: Final = 60
"""Seconds for which a cross-table and statistics are remembered."""
COUNTED: Final = 5_000
"""The games of statistics, the newest: with them a share of ½ is known to 1.4 percent, within a short time."""
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
    """A condition of the gate, and its result."""

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
    """The hours that the stages of learning took up to it, in Airflow and in `ringrift loop`."""
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
    """The wins of a seat among the games that were won."""

    seat: int
    won: int
    share: float
    low: float
    high: float


class Statistics(BaseModel):
    """The newest games of a config in numbers."""

    games: int
    all_games: int
    """The number of all games of the config."""
    endings: dict[str, int]
    seats: list[SeatShare]
    mean_moves: float
    moves: dict[str, int]
    """Moves a game: quantiles by their names."""
    openings: int
    distinct: int
    resigned: int
    uses: dict[str, float]
    """The share of games in which a kind of action occurs at all."""
    engines: dict[str, int]
    lengths: list[tuple[int, int]]
    """Games by their moves, in about 40 steps."""


class CrossTable(BaseModel):
    """The results of rated games, player against player."""

    players: list[str]
    """The strongest first."""
    scores: list[list[float | None]]
    """`[players, players]`, the mean score of the player of the row, 0 … 1; None where they have not met."""
    games: list[list[int]]


_cross_tables: Remembered[CrossTable] = Remembered(SECONDS)
_statistics: Remembered[Statistics | None] = Remembered(SECONDS)


@router.get("/configs/{config}")
def config_page(context: Context, config: str) -> ConfigPage:
    """Return the models of a config, their strength, and the verdicts of the gate on them."""
    parse_config(config)
    database = context.database()
    store = ModelStore(database, context.models)
    curve = learning_curve(store, config, context.home / FOLDER)
    return ConfigPage(
        config=config,
        points=[_point(point) for point in curve.points],
        anchors=curve.anchors,
        ratings=[Rated(**_fields(rating, Rated)) for rating in newest_ratings(database, config)],
        models=[_model(model) for model in store.listed(config)[:MOST]],
        decisions=[
            Decision(
                model=entry.model,
                previous=entry.previous,
                when=entry.when,
                kind=entry.kind,
                forced=entry.forced,
                why=entry.why,
                checks=[
                    Check(**{name: str(check.get(name, "")) for name in Check.model_fields})
                    for check in (entry.verdict or {}).get("checks", [])
                ],
            )
            for entry in history(store, config=config)[:MOST]
        ],
        evaluations=[
            Evaluated(
                id=evaluation.id,
                kind=evaluation.kind,
                candidate=evaluation.candidate,
                passed=evaluation.passed,
                finished=evaluation.finished,
                opponents=[_score(opponent) for opponent in evaluation.report.get("opponents", [])],
            )
            for evaluation in stored_evaluations(database, config)[:MOST]
        ],
    )


@router.get("/configs/{config}/cross-table")
def cross_table(context: Context, config: str) -> CrossTable:
    """Return the results of rated games among the strongest players of a config."""
    parse_config(config)
    return _cross_tables.get((context.home, config), lambda: _cross(context, config))


def _cross(context: Context, config: str) -> CrossTable:
    database = context.database()
    scores = scores_between(database, config)
    met = {player for player, _ in scores}
    players = [rating.player for rating in newest_ratings(database, config) if rating.player in met][:COMPARED]
    pairs = [[scores.get((player, other), (0, 0.0)) for other in players] for player in players]
    return CrossTable(
        players=players,
        scores=[[score / games if games else None for games, score in row] for row in pairs],
        games=[[games for games, _ in row] for row in pairs],
    )


@router.get("/configs/{config}/statistics")
def statistics(context: Context, config: str) -> Statistics | None:
    """Return the newest games of a config in numbers; null where there are none."""
    parse_config(config)
    return _statistics.get((context.home, config), lambda: _work_out(context, config))


def _work_out(context: Context, config: str) -> Statistics | None:
    database = context.database()
    selection = Selection(config=config, after=before_newest(database, config, COUNTED))
    counted = games_statistics(database, selection).configs
    if not counted:
        return None
    newest = counted[0]
    return Statistics(
        games=newest.games,
        all_games=max(count_games(database, config), newest.games),
        endings=newest.endings,
        seats=[SeatShare(**vars(seat)) for seat in newest.seats],
        mean_moves=newest.mean_moves,
        moves=newest.moves,
        openings=newest.openings,
        distinct=newest.distinct,
        resigned=newest.resigned,
        uses={name: use.share for name, use in newest.uses.items()},
        engines=dict(list(newest.engines.items())[:12]),
        lengths=_in_steps(newest.lengths),
    )


def _in_steps(lengths: dict[int, int], steps: int = 40) -> list[tuple[int, int]]:
    """Return games by their moves, in equal steps."""
    low, high = min(lengths), max(lengths)
    wide = max(1, -(-(high - low + 1) // steps))
    by_step: dict[int, int] = dict.fromkeys(range(low, high + 1, wide), 0)
    for moves, count in lengths.items():
        by_step[low + (moves - low) // wide * wide] += count
    return list(by_step.items())


def _model(model: StoredModel) -> Model:
    measured = next(iter(measures([model])), None)
    return Model(
        id=model.id,
        status=model.status,
        created=model.created,
        parent=model.parent,
        pruned=model.pruned is not None,
        games=_number(model.training, "dataset", "provenance", "steps", 0, "games"),
        samples=_number(model.training, "dataset", "samples"),
        parameters=_number(model.training, "parameters"),
        dataset=_identity(model.training),
        loss=_finite(measured.loss) if measured else None,
        gap=_finite(measured.gap) if measured else None,
        calibration=_finite(measured.calibration) if measured else None,
    )


def _identity(training: Any) -> str | None:
    """Return the short identity of the data set of a training, by a report of any origin."""
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


def _fields(source: object, kind: type[BaseModel]) -> dict[str, Any]:
    """Return the fields of a dataclass that a schema has, too."""
    return {name: getattr(source, name) for name in kind.model_fields}


def _number(value: Any, *way: str | int) -> int | None:
    """Return a number of a report that may be of an older version."""
    try:
        for name in way:
            value = value[name]
    except (KeyError, IndexError, TypeError):
        return None
    return value if isinstance(value, int) else None
