"""The games of every config: their weights by the newest rebalancing, one table that every start of self-play reads."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import func, select

from ringrift.evaluation.rating import trends
from ringrift.evaluation.settings import EvaluationSettings
from ringrift.game import parse_config
from ringrift.game_database import GamesDatabase
from ringrift.game_database.schema import games as games_table
from ringrift.limits import move_limit
from ringrift.models import ModelStore
from ringrift.pipeline.allocation_settings import AllocationSettings, budget_of
from ringrift.pipeline.readiness import Readiness, readiness
from ringrift.pipeline.schema import allocations
from ringrift.pipeline.settings import LoopPreset
from ringrift.pipeline.weights import ConfigFacts, Weight, weigh

NEWEST: Final = 200
"""Games of which the mean cost is taken."""


@dataclass(frozen=True)
class Allocated:
    """The newest weight of a config."""

    config: str
    decided: int
    """The time of the decision, in seconds since 1970."""
    weight: float
    games: int
    """Games of an interval, as they were decided."""
    why: str


@dataclass(frozen=True)
class AllocationReport:
    """The weights of all configs."""

    weights: tuple[Weight, ...]
    before: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for machines."""
        return {"weights": [weight.to_json() for weight in self.weights], "before": dict(self.before)}


def allocate(
    store: ModelStore, preset: LoopPreset, settings: AllocationSettings, evaluation: EvaluationSettings
) -> AllocationReport:
    """Weigh the configs of a preset anew, and write the table; rows of before stay, as its history."""
    facts = [config_facts(store, config, preset, settings, evaluation) for config in preset.configs]
    newest = newest_allocations(store.database)
    before = {name: allocated.weight for name, allocated in newest.items() if name in preset.configs}
    report = AllocationReport(tuple(weigh(facts, before, settings.weights)), before)
    now = int(time.time())
    rows = [
        {
            "config": weight.config,
            "decided": now,
            "weight": weight.weight,
            "games": weight.games,
            "why": weight.why,
            "factors": orjson.dumps([vars(factor) for factor in weight.factors]).decode(),
        }
        for weight in report.weights
    ]
    with store.database.writing() as connection:
        connection.execute(store.database.insert(allocations), rows)
    return report


def newest_allocations(database: GamesDatabase) -> dict[str, Allocated]:
    """Return the newest weight of every config that has one."""
    newest = select(allocations.c.config, func.max(allocations.c.decided).label("decided")).group_by(
        allocations.c.config
    )
    latest = newest.subquery()
    query = select(allocations).join(
        latest, (allocations.c.config == latest.c.config) & (allocations.c.decided == latest.c.decided)
    )
    with database.reading() as connection:
        rows = connection.execute(query).mappings().all()
    return {row["config"]: Allocated(**{name: row[name] for name in Allocated.__dataclass_fields__}) for row in rows}


def games_of_interval(
    there: Readiness,
    allocated: Allocated | None,
    preset: LoopPreset,
    settings: AllocationSettings,
    *,
    target: int | None,
) -> tuple[int, str]:
    """Return the games of a config and interval before backpressure, and the reason for their number.

    They are its budget times its weight; before the first training, with a `target`, at least what is missing to that.
    """
    budget = budget_of(there.config, preset, settings)
    weight = 1.0 if allocated is None else allocated.weight
    games = max(1, round(budget * weight))
    why = f"budget {budget:,} × weight {weight:.2f}" if allocated else f"budget {budget:,}, not weighed yet"
    if target is not None and not there.trained:
        missing = target - there.new_games
        if missing > games:
            return missing, f"{missing:,} of {target:,} games are missing to the first training"
    return games, why


def count_games(database: GamesDatabase, config: str) -> int:
    """Return how many games of a config the database has."""
    query = select(func.count()).select_from(games_table).where(games_table.c.config == config)
    with database.reading() as connection:
        return int(connection.execute(query).scalar_one())


def config_facts(
    store: ModelStore, config: str, preset: LoopPreset, settings: AllocationSettings, evaluation: EvaluationSettings
) -> ConfigFacts:
    """Return the facts from which the weight of a config follows."""
    training = preset.training
    state = readiness(store, config, games=training.new_games, minutes=training.minutes)
    slopes = {trend.form: trend.slope for trend in trends(store.database, config, evaluation.rating.trend)}
    slope = slopes.get(evaluation.gauntlet.as_, next(iter(slopes.values()), None))
    return ConfigFacts(
        config=config,
        budget=budget_of(config, preset, settings),
        games=count_games(store.database, config),
        waiting=state.new_games / training.new_games,
        slope=slope,
        cost=cost_of_game(store.database, config),
    )


def cost_of_game(database: GamesDatabase, config: str) -> float:
    """Return what a game costs, in evaluations of a cell: decisions of the newest games times cells of the board.

    So it is the same on every host, and known before any game has been timed.
    """
    board, _ = parse_config(config)
    newest = (
        select(games_table.c.choices)
        .where(games_table.c.config == config)
        .order_by(games_table.c.id.desc())
        .limit(NEWEST)
        .subquery()
    )
    with database.reading() as connection:
        choices = connection.execute(select(func.avg(newest.c.choices))).scalar()
    return float(choices if choices is not None else move_limit(config) / 2) * board.cells
