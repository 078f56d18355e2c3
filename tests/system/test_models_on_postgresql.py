"""The model store on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ringrift.game_database import GamesDatabase
from ringrift.models import ModelStore, prune, rollback, verify
from ringrift.models.settings import PruneSettings
from tests.contexts import any_context
from tests.models.conftest import tiny as tiny
from tests.models.making import crowned, registered
from tests.models.test_promotion import check_champion, race
from tests.system.postgresql import make_database, postgresql_server


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgresql_server() as server:
        yield make_database(server, "models")


def test_of_two_promotions_at_once_one_wins_and_all_else_works_too(url: str, tmp_path: Path) -> None:
    with GamesDatabase(url, create=True) as database:
        store = ModelStore(database, tmp_path / "models")
        first, *rivals = (registered(store, seed) for seed in range(3))
        crowned(store, first)
        race(store, url, rivals)
        rollback(store, "hex8_2p")
        check_champion(store, first)
        pruned = prune(store, PruneSettings(predecessors=0, newest=0, days=0.0)).pruned
        assert {model.id for model in pruned} == {model.id for model in rivals}
        assert verify(store, any_context()).left == 0
