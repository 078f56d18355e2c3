"""Which models keep their files, and what is left of those that do not."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import update

from ringrift.models import AbsentModel, ModelStore, StoredModel, prune, verify
from ringrift.models.schema import models
from ringrift.models.settings import PruneSettings
from tests.contexts import any_context
from tests.models.making import content, crowned, registered

OLD = 1_600_000_000
SETTINGS = PruneSettings(predecessors=1, newest=2, days=3.0)


@pytest.fixture
def grown(store: ModelStore) -> list[StoredModel]:
    """Eight old models, the later the newer: 0, 1 and 2 were champions one after the other, 3 waits."""
    made = [registered(store, seed, training={"created": OLD + seed}) for seed in range(8)]
    for model in made[:3]:
        crowned(store, model)
    with store.database.writing() as connection:
        connection.execute(update(models).where(models.c.id == made[3].id).values(status="staging"))
    return [store.find(model.id) for model in made]


def kept(store: ModelStore, made: list[StoredModel]) -> list[int]:
    """The models whose files are there; the database says the same."""
    there = [store.path(model).exists() and store.path(model).with_suffix(".json").exists() for model in made]
    assert [store.find(model.id).pruned is None for model in made] == there
    return [number for number, is_there in enumerate(there) if is_there]


def test_champions_the_waiting_and_the_newest_are_kept(store: ModelStore, grown: list[StoredModel]) -> None:
    report = prune(store, SETTINGS)
    assert kept(store, grown) == [1, 2, 3, 6, 7]
    assert {model.id for model in report.pruned} == {grown[number].id for number in (0, 4, 5)}
    assert report.kept == {"champion": 1, "former champion": 1, "staging": 1, "newest": 2}
    assert all(model.bytes > 1000 for model in report.pruned)
    assert verify(store, any_context()).faults == ()
    assert prune(store, SETTINGS).pruned == ()


def test_young_models_are_kept(store: ModelStore, grown: list[StoredModel]) -> None:
    young = [registered(store, seed, training={"created": int(time.time()) - 86400 * seed}) for seed in (12, 10, 11)]
    prune(store, SETTINGS.model_copy(update={"newest": 0, "days": 11.5}))
    assert kept(store, young) == [1, 2], "10 and 11 days old, not 12"


def test_a_dry_run_changes_nothing(store: ModelStore, grown: list[StoredModel]) -> None:
    report = prune(store, SETTINGS, dry_run=True)
    assert len(report.pruned) == 3
    assert kept(store, grown) == list(range(8))


def test_every_config_keeps_its_own(store: ModelStore, grown: list[StoredModel]) -> None:
    other = [registered(store, seed, "hex8_3p", training={"created": OLD - seed}) for seed in range(3)]
    prune(store, SETTINGS, config="hex8_3p")
    assert kept(store, other) == [1, 2], "the last to come, whatever they say of their age"
    assert kept(store, grown) == list(range(8))


def test_what_is_known_of_a_pruned_model_stays_and_its_files_may_come_back(
    store: ModelStore, grown: list[StoredModel]
) -> None:
    before = content(store.path(grown[4]))
    prune(store, SETTINGS)
    with pytest.raises(AbsentModel, match="its files have been pruned; register a copy"):
        store.read(store.find(grown[4].id))
    assert store.find(grown[4].id).training == {"created": OLD + 4}
    registered(store, 4, training={"created": OLD + 4})
    assert content(store.path(grown[4])) == before
    assert store.find(grown[4].id) == grown[4]


class Killed(BaseException):
    """As if the process had been killed there."""


@pytest.mark.parametrize("removed", range(7))
def test_a_run_that_is_killed_leaves_no_row_without_files_and_the_next_finishes(
    store: ModelStore, grown: list[StoredModel], monkeypatch: pytest.MonkeyPatch, removed: int
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", killed_after(removed, Path.unlink))
        try:
            prune(store, SETTINGS)
        except Killed:
            assert removed < 6
    for model in store.listed():
        assert model.pruned is not None or store.fault(model) is None
    report = prune(store, SETTINGS)
    assert report.pruned == (), "all were marked before"
    assert report.finished == (3 - removed // 2 if removed < 6 else 0)
    assert kept(store, grown) == [1, 2, 3, 6, 7]
    assert verify(store, any_context()).faults == ()


def killed_after(calls: int, original: Callable[..., None]) -> Callable[..., None]:
    """The function, but after so many calls the next is the last thing that happens."""
    left = iter(range(calls))

    def call(*args: object, **options: object) -> None:
        if next(left, None) is None:
            raise Killed
        original(*args, **options)

    return call
