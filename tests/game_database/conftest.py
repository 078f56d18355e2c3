"""An empty games database for a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ringrift.game_database import GamesDatabase


@pytest.fixture
def database(tmp_path: Path) -> Iterator[GamesDatabase]:
    with GamesDatabase(str(tmp_path / "games.db"), create=True) as opened:
        yield opened
