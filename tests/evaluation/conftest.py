"""An empty database, and settings under which evaluations take seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.settings import EvaluationSettings, evaluation_settings
from ringrift.game_database import GamesDatabase
from ringrift.run_context import RunContext


@pytest.fixture
def database(tmp_path: Path) -> Iterator[GamesDatabase]:
    with GamesDatabase(str(tmp_path / "games.db"), create=True) as opened:
        yield opened


@pytest.fixture
def settings() -> EvaluationSettings:
    """Those of the file, with few games and cheap anchors."""
    settings = evaluation_settings()
    few = {
        "gauntlet": {"first_games": 4, "second_games": 12, "look_games": 4},
        "sprt": {"least": 4, "most": 12},
        "rating": {
            "anchor_games": 8,
            "games": 4,
            "anchors": {seats: ["random", "heuristic:v1"] for seats in range(2, 5)},
        },
        "shadow": {"games": 4},
    }
    parts = {name: getattr(settings, name).model_copy(update=update) for name, update in few.items()}
    return settings.model_copy(update=parts)


@pytest.fixture
def runner(database: GamesDatabase, settings: EvaluationSettings) -> MatchRunner:
    return MatchRunner(database, RunContext(settings))
