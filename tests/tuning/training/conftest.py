"""A network that computes fast, and an empty store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ringrift.game_database import GamesDatabase
from ringrift.models import ModelStore
from ringrift.networks import ARCHITECTURES, Architecture


@pytest.fixture(autouse=True, scope="session")
def tiny() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ARCHITECTURES, "tiny", Architecture(channels=8, blocks=1, squeeze=False, head_channels=4))
        yield


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ModelStore]:
    with GamesDatabase(str(tmp_path / "games.db"), create=True) as database:
        yield ModelStore(database, tmp_path / "models")
