"""The newest model is what the store says, whatever clocks and times of files are."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

import pytest

from ringrift.evaluation.participants import UnknownModel
from ringrift.models import ModelStore, StoredModel
from ringrift.models.newest import newest_model, newest_parent
from ringrift.networks import save_model
from ringrift.training import TrainingInputs, hyper_parameters
from tests.models.making import crowned, network, registered
from tests.training.planted import write_planted

CONFIG = "square8_2p"


def trained(store: ModelStore, seed: int, *, parent: StoredModel | None = None, data: str = "other") -> StoredModel:
    """A model that has learned from a data set of that identity."""
    training = {"run": f"run-{seed}", "parent": parent.id if parent else None, "dataset": {"identity": data}}
    return registered(store, seed, CONFIG, training=training)


@pytest.fixture
def inputs(store: ModelStore, tmp_path: Path) -> TrainingInputs:
    """A training of the stored models' architecture; the data set has other features than they know."""
    write_planted(tmp_path / "training", 64)
    hyper = hyper_parameters(CONFIG, changes={"network": "tiny"})
    return TrainingInputs(CONFIG, hyper, datasets=tmp_path / "training", models=store.folder, runs=tmp_path / "runs")


def test_the_newest_is_what_was_registered_last(store: ModelStore) -> None:
    first, second = trained(store, 1), trained(store, 2)
    os.utime(store.path(first))
    os.utime(store.path(second), (1, 1))
    assert newest_model(store, CONFIG) == store.path(second)
    store.register(store.path(first))
    assert newest_model(store, CONFIG) == store.path(second), "it was there before"


def test_no_model_is_newer_than_its_child(store: ModelStore, tmp_path: Path) -> None:
    """As after a new database has been filled with the old files, in whatever order."""
    parent = tmp_path / "parent.pth"
    identity = save_model(parent, network(CONFIG, 1), {"training": {"run": "one"}})[:16]
    child = registered(store, 2, CONFIG, training={"run": "two", "parent": identity})
    store.register(parent)
    assert [model.id for model in store.listed(CONFIG)] == [child.id, identity]


def test_a_model_of_the_future_is_no_newer_than_others(store: ModelStore, caplog: pytest.LogCaptureFixture) -> None:
    future = registered(store, 1, CONFIG, training={"run": "one", "created": 4_300_000_000})
    assert future.created <= time.time()
    assert "a clock is or was wrong" in caplog.text
    later = trained(store, 2)
    assert newest_model(store, CONFIG) == store.path(later)


def test_without_models_the_champion_is_the_newest_and_without_that_there_is_none(store: ModelStore) -> None:
    with pytest.raises(UnknownModel, match="square8_2p: no model is registered yet"):
        newest_model(store, CONFIG)
    champion = crowned(store, trained(store, 1))
    store.path(champion).unlink()
    assert newest_model(store, CONFIG) == store.folder / f"ringrift_best_{CONFIG}.pth"


def test_a_training_passes_over_what_it_cannot_start_from_and_says_so(
    store: ModelStore, inputs: TrainingInputs, caplog: pytest.LogCaptureFixture
) -> None:
    other = registered(store, 1, CONFIG, architecture="small", training={"run": "small"})
    damaged, features = trained(store, 2), trained(store, 3)
    store.path(damaged).write_bytes(b"something else")
    (store.folder / CONFIG / "stray.pth").write_bytes(b"no model")
    with caplog.at_level(logging.WARNING):
        assert newest_parent(store, inputs) is None
    told = [record.getMessage() for record in caplog.records]
    for model, why in (
        (other, "it is a small, the training is of a tiny"),
        (damaged, f"is not what was registered as {damaged.id}"),
        (features, "its features are v2, those of the data set v1"),
    ):
        assert any(line.startswith(f"model {model.id} is passed over") and why in line for line in told), told
    assert any("stray.pth is passed over as a start: `ringrift models register`" in line for line in told)


def test_whoever_asks_again_after_a_crash_gets_the_same_parent(
    store: ModelStore, inputs: TrainingInputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ringrift.datasets import open_dataset

    monkeypatch.setattr("ringrift.models.newest._obstacle", lambda *asked: None)
    parent = trained(store, 1)
    trained(store, 2, parent=parent, data=open_dataset(inputs.datasets / CONFIG).identity)
    assert newest_parent(store, inputs) == store.path(parent)
