"""Whether files are what the database says, and what can be mended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ringrift.agents import promoted_model
from ringrift.models import ModelStore, StoredModel, verify
from ringrift.models.pruning import prune
from ringrift.models.settings import PruneSettings
from ringrift.networks import save_model
from tests.contexts import any_context
from tests.models.making import content, crowned, network, registered


@pytest.fixture
def champion(store: ModelStore) -> StoredModel:
    return crowned(store, registered(store))


def test_a_sound_store(store: ModelStore, champion: StoredModel) -> None:
    registered(store, 1)
    registered(store, config="hex8_3p")
    report = verify(store, any_context())
    assert (report.models, report.champions, report.faults, report.unregistered, report.left) == (3, 1, (), (), 0)
    assert verify(store, any_context(), config="hex8_3p").models == 1


@pytest.mark.parametrize("harm", [Path.unlink, lambda file: file.write_bytes(b"something else")])
@pytest.mark.parametrize("ending", [".pth", ".json"])
def test_the_champions_files_are_put_back(
    store: ModelStore, champion: StoredModel, harm: Callable[[Path], None], ending: str
) -> None:
    best = promoted_model(store.folder, "hex8_2p")
    before = content(best)
    harm(best.with_suffix(ending))
    (fault,) = verify(store, any_context()).faults
    assert (fault.config, fault.model, fault.repaired) == ("hex8_2p", champion.id, False)
    assert str(best.with_suffix(ending)) in fault.detail
    report = verify(store, any_context(), repair=True)
    assert ([fault.repaired for fault in report.faults], report.left) == ([True], 0)
    assert content(best) == before
    assert verify(store, any_context()).faults == ()


def test_the_stores_copy_of_the_champion_is_restored_from_its_files(store: ModelStore, champion: StoredModel) -> None:
    before = content(store.path(champion))
    store.path(champion).write_bytes(b"something else")
    assert verify(store, any_context()).left == 1
    assert verify(store, any_context(), repair=True).left == 0
    assert content(store.path(champion)) == before


def test_what_has_no_sound_copy_is_left_and_told(store: ModelStore, champion: StoredModel) -> None:
    other = registered(store, 1)
    for path in (store.path(other), store.path(champion), promoted_model(store.folder, "hex8_2p")):
        path.write_bytes(b"something else")
    report = verify(store, any_context(), repair=True)
    assert report.left == 3
    assert {fault.model for fault in report.faults} == {other.id, champion.id}


def test_files_that_nobody_knows_are_told(store: ModelStore, champion: StoredModel) -> None:
    path = store.folder / "hex8_2p" / "0123456789abcdef.pth"
    save_model(path, network(seed=7))
    report = verify(store, any_context())
    assert (report.unregistered, report.left) == ((str(path),), 0)


def test_files_of_pruned_models_are_removed(store: ModelStore, champion: StoredModel) -> None:
    old = registered(store, 1, training={"created": 1})
    before = content(store.path(old))
    prune(store, PruneSettings(predecessors=0, newest=0, days=0.0))
    store.path(old).write_bytes(before[0])
    assert "though it has been pruned" in verify(store, any_context()).faults[0].detail
    assert verify(store, any_context(), repair=True).left == 0
    assert not store.path(old).exists()
