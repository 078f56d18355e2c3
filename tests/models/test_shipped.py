"""The loop begins with the champion of the package where nothing has been learned yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringrift.agents import champion, promoted_model
from ringrift.models import ModelStore, history
from ringrift.models.shipped import begin_with_shipped
from ringrift.networks import save_model
from tests.models.making import content, network, registered

CONFIG = "hex8_2p"


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that comes with a champion of one config."""
    path = tmp_path / "package" / f"{CONFIG}.pth"
    save_model(path, network(CONFIG, seed=7))
    monkeypatch.setattr(champion, "SHIPPED", path.parent)
    return path


def test_a_config_without_models_begins_with_the_champion_of_the_package(store: ModelStore, shipped: Path) -> None:
    model = begin_with_shipped(store, CONFIG)
    assert model is not None
    assert store.champion(CONFIG) == store.find(model.id)
    assert content(promoted_model(store.folder, CONFIG)) == content(shipped)
    assert [(one.kind, one.previous) for one in history(store)] == [("shipped", None)]


def test_it_begins_once(store: ModelStore, shipped: Path) -> None:
    assert begin_with_shipped(store, CONFIG) is not None
    assert begin_with_shipped(store, CONFIG) is None
    assert len(store.listed(CONFIG)) == len(history(store)) == 1


def test_what_was_learned_here_is_not_passed_over(store: ModelStore, shipped: Path) -> None:
    registered(store)
    assert begin_with_shipped(store, CONFIG) is None
    assert store.champion(CONFIG) is None


def test_a_config_of_which_none_is_shipped_learns_from_nothing(store: ModelStore, shipped: Path) -> None:
    assert begin_with_shipped(store, "hex8_3p") is None
    assert store.listed("hex8_3p") == []
