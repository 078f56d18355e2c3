"""The files of former champions follow the history of promotions."""

from __future__ import annotations

import pytest

from ringrift.agents import promoted_model
from ringrift.agents.champion import placed_newest
from ringrift.models import ModelStore, UnknownModel, prune
from ringrift.models.former import champion_files, former_champions, place_league_models
from ringrift.models.settings import PruneSettings
from ringrift.networks import read_id
from tests.models.making import crowned, registered

CONFIG = "hex8_2p"


def test_former_champions_lie_where_a_league_finds_them(store: ModelStore) -> None:
    first, second, third = (crowned(store, registered(store, seed)) for seed in range(3))
    assert place_league_models(store, CONFIG, "gumbel:{best}@64") == []
    assert place_league_models(store, CONFIG, "policy:{best~5}") == [second.id, first.id]
    assert place_league_models(store, CONFIG, "policy:{best~5}") == []
    crowned(store, registered(store, 3))
    assert place_league_models(store, CONFIG, "policy:{best~2}") == [third.id, second.id]
    assert [read_id(promoted_model(store.folder, f"{CONFIG}~{back}")) for back in (1, 2)] == [third.id, second.id]


def test_the_newest_model_lies_beside_the_champion_though_nobody_promoted_it(store: ModelStore) -> None:
    champion = crowned(store, registered(store, 0))
    newest = registered(store, 1)
    assert place_league_models(store, CONFIG, "mixed:policy:{best},policy:{newest}") == [newest.id]
    assert read_id(placed_newest(store.folder, CONFIG)) == newest.id
    assert read_id(promoted_model(store.folder, CONFIG)) == champion.id


def test_a_champion_whose_files_are_pruned_is_left_out(store: ModelStore) -> None:
    for seed in range(3):
        crowned(store, registered(store, seed))
    prune(store, PruneSettings(predecessors=1, newest=0, days=0))
    assert list(former_champions(store, CONFIG, 5)) == [f"{CONFIG}~1"]


def test_a_table_of_champions_needs_two(store: ModelStore) -> None:
    with pytest.raises(UnknownModel, match="files of 0 champions"):
        champion_files(store, CONFIG, 4)
    first = crowned(store, registered(store, 0))
    with pytest.raises(UnknownModel, match="files of 1 champions"):
        champion_files(store, CONFIG, 4)
    second = crowned(store, registered(store, 1))
    assert [read_id(path) for path in champion_files(store, CONFIG, 4)] == [second.id, first.id]
