"""How all twelve configs stand, and why nothing happens, in one sentence each."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from pydantic import BaseModel

from ringrift.game import configs
from ringrift.game_database import AbsentDatabase
from ringrift.pipeline.halt import halted
from ringrift.pipeline.iteration import FOLDER
from ringrift.pipeline.settings import loop_settings
from ringrift.pipeline.status import SELFPLAY, ConfigStatus, status
from ringrift.web.context import Context, WebContext
from ringrift.web.pages.remembered import Remembered

SECONDS: Final = 5
NO_GAMES: Final = "No games yet: ringrift loop begins it, or its DAG in Airflow when it is switched on."

router = APIRouter()
Elo = tuple[float, float, float]
"""Elo and its 95 % interval."""


class ConfigSummary(BaseModel):
    """How a config stands."""

    config: str
    games: int = 0
    held_out: int = 0
    new_games: int = 0
    """Since the last training."""
    games_needed: int = 0
    """The games that the next training waits for."""
    champion: str | None = None
    newest: str | None = None
    """The newest model, whoever has trained it."""
    trained: int | None = None
    """When it was made, in seconds since 1970."""
    elo: dict[str, Elo] = {}
    """The champion's Elo, by way of playing."""
    trends: dict[str, str] = {}
    verdict: str | None = None
    """What the gate has said last."""
    iteration: str | None = None
    selfplay: str | None = None
    """The games of an interval, and why they are so many."""
    warnings: list[str] = []
    """What is worse than it was."""
    why: str = NO_GAMES
    """Why nothing happens, or what is about to."""
    needs_attention: bool = False
    """Whether somebody has to do something."""


class Overview(BaseModel):
    """How all configs stand."""

    halted: str | None
    preset: str
    """The preset of loop.yaml, by which is counted what is missing to the next training."""
    activity: list[tuple[str, str]] = []
    """What the loop has done in all, with titles."""
    configs: list[ConfigSummary]


_overviews: Remembered[Overview] = Remembered(SECONDS)


@router.get("/overview")
def overview(context: Context) -> Overview:
    """Return how all configs stand."""
    return _overviews.get(context.home, lambda: _overview(context))


def _overview(context: WebContext) -> Overview:
    settings = loop_settings()
    preset = settings.preset_named(None)
    halt = halted(context.home)
    names = [f"{board}_{players}p" for board, players in configs()]
    try:
        database = context.database()
    except AbsentDatabase:
        return Overview(halted=halt, preset=settings.preset, configs=[ConfigSummary(config=name) for name in names])
    found = status(database, context.models, context.home / FOLDER, preset, games=context.home / SELFPLAY)
    known = {one.config: one for one in found.configs}
    summaries = [_summary(known[name], halt) if name in known else ConfigSummary(config=name) for name in names]
    activity = list(found.loop.lines()) if found.loop else []
    return Overview(halted=halt, preset=settings.preset, activity=activity, configs=summaries)


def _summary(one: ConfigStatus, halt: str | None) -> ConfigSummary:
    there = one.readiness
    why, needs_attention = explain(one, halt)
    return ConfigSummary(
        config=one.config,
        games=one.games,
        held_out=one.held_out,
        new_games=there.new_games,
        games_needed=there.games_needed,
        champion=one.champion,
        newest=one.newest,
        trained=one.trained,
        elo=one.elo,
        trends=one.trends,
        verdict=one.verdict,
        iteration=one.iteration,
        selfplay=one.selfplay,
        warnings=list(one.warnings),
        why=why,
        needs_attention=needs_attention,
    )


def explain(one: ConfigStatus, halt: str | None) -> tuple[str, bool]:
    """Return why nothing happens with a config, in a sentence, and whether somebody has to do something about it."""
    there = one.readiness
    if halt is not None:
        return f"The loop is halted: {halt}.", True
    if one.wrong:
        return f"{one.wrong}.", True
    if not one.games:
        return NO_GAMES, False
    missing = there.games_needed - there.new_games
    if missing > 0:
        return f"Waits for {missing:,} more games: {there}.", False
    if not there.ready:
        return f"Enough games, but the last training was too recently: {there}.", False
    return f"A training is due: {there}.", False
