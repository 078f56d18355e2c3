"""The overview of all twelve configs: the state of each, with a sentence on what it waits for."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from pydantic import BaseModel

from ringrift.game import configs
from ringrift.game_database import AbsentDatabase
from ringrift.models.shipped import shipped_elo, shipped_id
from ringrift.pipeline.halt import halted
from ringrift.pipeline.iteration import FOLDER
from ringrift.pipeline.settings import loop_settings
from ringrift.pipeline.status import SELFPLAY, ConfigStatus, status
from ringrift.pipeline.training_runs import RUNS
from ringrift.web.context import Context, WebContext
from ringrift.web.pages.remembered import Remembered

SECONDS: Final = 5
NO_GAMES: Final = "No games yet: ringrift loop begins it, or its DAG in Airflow when it is switched on."

router = APIRouter()
Elo = tuple[float, float, float]
"""Elo and its 95 % interval."""


class ConfigSummary(BaseModel):
    """The state of a config."""

    config: str
    games: int = 0
    held_out: int = 0
    new_games: int = 0
    """The games since the last training."""
    games_needed: int = 0
    """The games that the next training waits for."""
    champion: str | None = None
    shipped: str | None = None
    """The id of the champion that comes with the package, where there is no other."""
    newest: str | None = None
    """The id of the newest model, of any origin."""
    trained: int | None = None
    """The creation of the newest model, in seconds since 1970."""
    elo: dict[str, Elo] = {}
    """The Elo of the champion, or of that of the package, by way of playing."""
    trends: dict[str, str] = {}
    verdict: str | None = None
    """The last verdict of the gate."""
    iteration: str | None = None
    selfplay: str | None = None
    """The games of an interval, and the reason for their number."""
    warnings: list[str] = []
    """The warnings about the newest model."""
    why: str = NO_GAMES
    """The reason why nothing happens, or what comes next."""
    needs_attention: bool = False
    """Whether a person has to act."""


class Overview(BaseModel):
    """The state of all configs."""

    halted: str | None
    preset: str
    """The preset of loop.yaml, which decides what is missing to the next training."""
    activity: list[tuple[str, str]] = []
    """The work of the loop in all, with titles."""
    configs: list[ConfigSummary]


_overviews: Remembered[Overview] = Remembered(SECONDS)


@router.get("/overview")
def overview(context: Context) -> Overview:
    """Return the state of all configs."""
    return _overviews.get(context.home, lambda: _overview(context))


def _overview(context: WebContext) -> Overview:
    settings = loop_settings()
    preset = settings.preset_named(None)
    halt = halted(context.home)
    names = [f"{board}_{players}p" for board, players in configs()]
    try:
        database = context.database()
    except AbsentDatabase:
        return Overview(halted=halt, preset=settings.preset, configs=[_untouched(name) for name in names])
    home = context.home
    current = status(database, context.models, home / FOLDER, preset, games=home / SELFPLAY, runs=home / RUNS)
    known = {state.config: state for state in current.configs}
    summaries = [_summary(known[name], halt) if name in known else _untouched(name) for name in names]
    activity = list(current.loop.lines()) if current.loop else []
    return Overview(halted=halt, preset=settings.preset, activity=activity, configs=summaries)


def _untouched(config: str) -> ConfigSummary:
    """Return the state of a config without games, models and iterations."""
    return ConfigSummary(config=config, shipped=shipped_id(config), elo=shipped_elo(config))


def _summary(state: ConfigStatus, halt: str | None) -> ConfigSummary:
    there = state.readiness
    why, needs_attention = explain(state, halt)
    return ConfigSummary(
        config=state.config,
        games=state.games,
        held_out=state.held_out,
        new_games=there.new_games,
        games_needed=there.games_needed,
        champion=state.champion,
        shipped=state.shipped,
        newest=state.newest,
        trained=state.trained,
        elo=state.elo,
        trends=state.trends,
        verdict=state.verdict,
        iteration=state.iteration,
        selfplay=state.selfplay,
        warnings=list(state.warnings),
        why=why,
        needs_attention=needs_attention,
    )


def explain(state: ConfigStatus, halt: str | None) -> tuple[str, bool]:
    """Return why nothing happens with a config, in a sentence, and whether a person has to act on it."""
    there = state.readiness
    if halt is not None:
        return f"The loop is halted: {halt}.", True
    if state.wrong:
        return f"{state.wrong}.", True
    if state.training:
        return f"Trains: {state.training}.", False
    if not state.games:
        return NO_GAMES, False
    missing = there.games_needed - there.new_games
    if missing > 0:
        return f"Waits for {missing:,} more games: {there}.", False
    if not there.ready:
        return f"Enough games, but the last training was too recently: {there}.", False
    return f"A training is due: {there}.", False
