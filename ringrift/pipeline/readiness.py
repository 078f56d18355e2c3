"""The readiness for a training: enough new games, and enough time, since the last one of the config."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import func, select

from ringrift.clock import seconds_since
from ringrift.game import parse_config
from ringrift.game_database.schema import games as games_table
from ringrift.models import ModelStore, StoredModel


@dataclass(frozen=True)
class Readiness:
    """The new games and the time since the last training, beside what is needed."""

    config: str
    new_games: int
    games_needed: int
    minutes: float | None
    """The minutes since the last training; None without one, or if it lies in the future by a wrong clock."""
    minutes_needed: float
    trained: bool = True
    """Whether there was a training."""

    @property
    def ready(self) -> bool:
        """Whether games and time are enough."""
        return self.new_games >= self.games_needed and (self.minutes is None or self.minutes >= self.minutes_needed)

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for machines."""
        return asdict(self) | {"ready": self.ready, "text": str(self)}

    def __str__(self) -> str:
        """Return a line such as «212 of 300 new games; 8 of 20 minutes since the last training»."""
        games = f"{self.new_games:,} of {self.games_needed:,} new games"
        if not self.trained:
            return f"{games}; no training yet"
        if self.minutes is None:
            return f"{games}; the last training lies in the future, by a clock that was wrong"
        needed = f" of {self.minutes_needed:g}" if self.minutes_needed else ""
        return f"{games}; {self.minutes:,.0f}{needed} minutes since the last training"


def readiness(store: ModelStore, config: str, *, games: int, minutes: float) -> Readiness:
    """Compare the config's games with those that the last training of a stored model could choose from."""
    parse_config(config)
    with store.database.reading() as connection:
        query = select(func.count()).select_from(games_table).where(games_table.c.config == config)
        there = connection.execute(query).scalar_one()
    return readiness_after(last_trained(store, config), config, there, games=games, minutes=minutes)


def missing_games(store: ModelStore, configs: Sequence[str], *, games: int, minutes: float) -> int:
    """Count the games that all configs together lack for their next trainings."""
    states = (readiness(store, config, games=games, minutes=minutes) for config in configs)
    return sum(max(0, state.games_needed - state.new_games) for state in states)


def readiness_after(last: StoredModel | None, config: str, there: int, *, games: int, minutes: float) -> Readiness:
    """Compare the `there` games of a config with those that its last training, of that model, could choose from."""
    if last is None:
        return Readiness(config, there, games, None, minutes, trained=False)
    age = seconds_since(last.created, f"the last training of {config}")
    new_games = max(0, there - games_of_training(last))
    return Readiness(config, new_games, games, None if age is None else age / 60, minutes)


def games_of_training(model: StoredModel) -> int:
    """Return how many games of its config there were when the data set of a model was made."""
    steps = model.training.get("dataset", {}).get("provenance", {}).get("steps") or [{"games": 0}]
    return int(steps[0]["games"])


def training_progress(store: ModelStore, config: str, trainings: int) -> float:
    """Return the progress of training, from 0 to 1 after `trainings` of them, for schedules that change with it.

    Models of tuning do not count: the loop has not gone on from them.
    """
    trained = sum(bool(model.training) and not model.is_experiment for model in store.listed(config))
    return round(min(trained / trainings, 1.0), 3)


def last_trained(store: ModelStore, config: str) -> StoredModel | None:
    """Return the newest trained model of the config; models of tuning do not count, as they use up no games."""
    return newest_training(store.listed(config))


def newest_training(models: Sequence[StoredModel]) -> StoredModel | None:
    """Return the first of some models, the newest first, that the loop has trained."""
    return next((model for model in models if model.training and not model.is_experiment), None)
