"""How the loop stands: games, what is missing to the next training, champions, strength, the last verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ringrift.clock import seconds_since
from ringrift.evaluation.rating import elo_by_form, trends
from ringrift.evaluation.settings import evaluation_settings
from ringrift.evaluation.store import newest_ratings
from ringrift.game import configs
from ringrift.game_database import GamesDatabase
from ringrift.game_database.selection import count_parts
from ringrift.models import ModelStore, history, look_at_champion
from ringrift.pipeline.halt import halted
from ringrift.pipeline.iteration import BadIteration, last_iteration
from ringrift.pipeline.readiness import last_trained, readiness
from ringrift.pipeline.settings import LoopPreset


@dataclass(frozen=True)
class ConfigStatus:
    """One config."""

    config: str
    games: int
    held_out: int
    waiting: str
    """New games towards the next training."""
    trained: int | None
    """When the newest model was made, in seconds since 1970; None before the first."""
    newest: str | None
    """That model, whoever has trained it."""
    newest_elo: dict[str, tuple[float, float, float]]
    """As `elo`."""
    champion: str | None
    wrong: str
    """What is wrong with the champion's files; empty if nothing is."""
    elo: dict[str, tuple[float, float, float]]
    """Of the champion by way of playing: Elo and its 95 % interval."""
    trends: dict[str, str]
    """By way of playing, how the last models have changed."""
    verdict: str | None
    """What the gate has said last."""
    iteration: str | None
    """The newest iteration of the loop, and how far it has come; or why that cannot be told."""

    def lines(self) -> Iterator[tuple[str, str]]:
        """All of it for people, with titles."""
        yield "games", f"{self.games:,}, {self.held_out:,} of them held out"
        yield "to training", self.waiting
        yield "trained", "never" if self.trained is None else f"{self.newest}, {_ago(self.trained)}"
        if self.newest != self.champion:
            yield from (("", line) for line in _elo_lines(self.newest_elo))
        yield "champion", self.champion or "none yet"
        if self.wrong:
            yield "", self.wrong
        yield from (("Elo", line) for line in _elo_lines(self.elo))
        for trend in self.trends.values():
            yield "trend", trend
        if self.verdict:
            yield "gate", self.verdict
        if self.iteration:
            yield "loop", self.iteration


@dataclass(frozen=True)
class Status:
    """All configs that have games, models or iterations."""

    halted: str | None
    configs: tuple[ConfigStatus, ...]

    def to_json(self) -> dict[str, Any]:
        """All of it, for machines."""
        return asdict(self)


def status(database: GamesDatabase, models: Path, iterations: Path, preset: LoopPreset) -> Status:
    """How every config stands that has games, models or iterations; what is missing is counted by the preset."""
    store = ModelStore(database, models)
    parts = count_parts(database)
    names = [f"{board}_{players}p" for board, players in configs()]
    found = (_one(store, name, parts.get(name, (0, 0)), iterations, preset) for name in names)
    return Status(halted(), tuple(one for one in found if one.games or one.trained or one.iteration))


def _one(store: ModelStore, config: str, parts: tuple[int, int], iterations: Path, preset: LoopPreset) -> ConfigStatus:
    stage = preset.training
    last = last_trained(store, config)
    champion, _, wrong = look_at_champion(store, config)
    decided = history(store, config=config)
    ratings = newest_ratings(store.database, config)
    return ConfigStatus(
        config=config,
        games=sum(parts),
        held_out=parts[1],
        waiting=str(readiness(store, config, games=stage.new_games, minutes=stage.minutes)),
        trained=None if last is None else last.created,
        newest=None if last is None else last.id,
        newest_elo={} if last is None else elo_by_form(ratings, last.id),
        champion=None if champion is None else champion.id,
        wrong=wrong,
        elo={} if champion is None else elo_by_form(ratings, champion.id),
        trends={one.form: str(one) for one in trends(store.database, config, evaluation_settings().rating.trend)},
        verdict=f"{decided[0].kind}: {decided[0].why}" if decided else None,
        iteration=_iteration(iterations, config),
    )


def _elo_lines(elo: dict[str, tuple[float, float, float]]) -> list[str]:
    return [f"{form} {mean:.0f} ({low:.0f} … {high:.0f})" for form, (mean, low, high) in elo.items()]


def _iteration(iterations: Path, config: str) -> str | None:
    """Return the newest iteration in a line, or what is wrong with its file, which spoils no other config."""
    try:
        newest = last_iteration(iterations, config)
    except BadIteration as error:
        return str(error)
    return None if newest is None else f"iteration {newest.number}: {newest.outcome}" + ("" if newest.over else " …")


def _ago(moment: int) -> str:
    """How long ago, in the largest unit that fits."""
    age = seconds_since(moment, "a training")
    if age is None:
        return "in the future, by a clock that was wrong"
    seconds = int(age)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"
