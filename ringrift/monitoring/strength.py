"""Metrics of strength: Elo of the champions and its trend, gauntlets, the gate and promotions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import Connection, func, select

from ringrift.evaluation.elo import Rating
from ringrift.evaluation.participants import model_of
from ringrift.evaluation.rating import LEAST_POINTS, elo_by_form, form_of, trend
from ringrift.evaluation.schema import evaluations
from ringrift.evaluation.settings import evaluation_settings
from ringrift.evaluation.store import newest_ratings
from ringrift.models.schema import models
from ringrift.monitoring.view import Samples, View, label

PROMOTED: Final = ("promoted", "restored", "refused")
"""The decisions about champions that are counted from 0 on, so that the first one is an increase."""


def strength_metrics(view: View) -> Samples:
    """Yield the metrics of all configs."""
    for config in view.configs:
        yield from _elo_metrics(view, config)
        yield from _gauntlet_metrics(view, config)
    for (config, kind), counter in view.counted("evaluations").items():
        yield "ringrift_evaluations_total", (label(config), label(kind)), counter.total
    for (config, kind), counter in view.counted("evaluation_games").items():
        yield "ringrift_evaluation_games_total", (label(config), label(kind)), counter.total
    yield from _promotion_metrics(view)


def _promotion_metrics(view: View) -> Samples:
    for (config, outcome), counter in view.counted("gate").items():
        condition, _, verdict = outcome.partition(" ")
        yield "ringrift_gate_verdicts_total", (label(config), label(condition), label(verdict)), counter.total
    counted = view.counted("promotions")
    known = {(config, kind): 0 for config in view.configs for kind in PROMOTED}
    for (config, kind), times in (known | {key: counter.total for key, counter in counted.items()}).items():
        yield "ringrift_promotions_total", (label(config), label(kind)), times
    for (config, kind), counter in counted.items():
        if kind == "promoted" and (age := view.age(counter.last)) is not None:
            yield "ringrift_seconds_since_promotion", (label(config),), age


def _elo_metrics(view: View, config: str) -> Samples:
    with view.database.reading() as connection:
        champion = _champion(connection, config)
        last = _last_models(connection, config, evaluation_settings().rating.trend)
    ratings = newest_ratings(view.database, config)
    if champion is not None:
        yield "ringrift_champion_info", (config, champion), 1.0
        for form, (elo, low, high) in elo_by_form(ratings, champion).items():
            yield "ringrift_current_elo", (config, label(form)), elo
            yield "ringrift_current_elo_low", (config, label(form)), low
            yield "ringrift_current_elo_high", (config, label(form)), high
    for form, rated in _by_form(ratings, last).items():
        if len(rated) >= LEAST_POINTS:
            slope = trend(form, rated)
            yield "ringrift_elo_trend", (config, label(form)), slope.slope
            yield "ringrift_elo_trend_low", (config, label(form)), slope.low
            yield "ringrift_elo_trend_high", (config, label(form)), slope.high


def _by_form(ratings: Sequence[Rating], last: Sequence[str]) -> Mapping[str, list[Rating]]:
    """Return the ratings of models by the way they play, in the order of the models."""
    by_form: dict[str, list[Rating]] = {}
    for model in last:
        for rating in ratings:
            if model_of(rating.player) == model and (form := form_of(rating.player)) is not None:
                by_form.setdefault(form, []).append(rating)
    return by_form


def _gauntlet_metrics(view: View, config: str) -> Samples:
    newest = (
        select(evaluations.c.candidate, evaluations.c.report)
        .where(evaluations.c.config == config, evaluations.c.kind == "gauntlet")
        .order_by(evaluations.c.id.desc())
        .limit(1)
    )
    with view.database.reading() as connection:
        row = connection.execute(newest).first()
        yield "ringrift_evaluation_backlog", (config,), _newer_models(connection, config, row and row.candidate)
    if row is not None:
        for opponent in _opponents(orjson.loads(row.report)):
            yield "ringrift_gauntlet_score", (config, label(str(opponent["role"]))), float(opponent["score"])


def _opponents(report: Any) -> list[Mapping[str, Any]]:
    return [opponent for opponent in report.get("opponents", []) if {"role", "score"} <= opponent.keys()]


def _champion(connection: Connection, config: str) -> str | None:
    query = select(models.c.id).where(models.c.config == config, models.c.status == "production")
    return connection.execute(query).scalar()


def _last_models(connection: Connection, config: str, most: int) -> list[str]:
    """Return the models that were registered last, the oldest first."""
    query = select(models.c.id).where(models.c.config == config).order_by(models.c.number.desc()).limit(most)
    return list(connection.execute(query).scalars())[::-1]


def _newer_models(connection: Connection, config: str, player: str | None) -> int:
    """Return how many models were registered after the one that a player's name holds."""
    evaluated = 0
    if player is not None:
        ids = [part for word in player.split(":") if len(part := word[:16]) == 16]
        numbers = select(func.max(models.c.number)).where(models.c.id.in_(ids))
        evaluated = connection.execute(numbers).scalar() or 0
    newer = select(func.count()).where(models.c.config == config, models.c.number > evaluated)
    return int(connection.execute(newer).scalar_one())
