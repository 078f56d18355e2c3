"""Models come into the store verified, and are found by their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringrift.game import UnknownConfig
from ringrift.models import AbsentModel, ModelStore, UnknownModel
from ringrift.networks import DamagedModel, MissingModel, load_model, save_model
from tests.models.making import content, network, registered

TRAINING = {"run": "r1", "parent": "0123456789abcdef", "dataset": {"games": 300}, "created": 1_700_000_000}


def test_a_model_from_elsewhere_is_copied_and_is_in_development(store: ModelStore, tmp_path: Path) -> None:
    save_model(tmp_path / "new.pth", network("hex8_3p"), {"training": TRAINING})
    model = store.register(tmp_path / "new.pth")
    assert (model.config, model.status, model.pruned) == ("hex8_3p", "development", None)
    assert (model.parent, model.created, model.training) == ("0123456789abcdef", 1_700_000_000, TRAINING)
    assert model.id == model.sha256[:16]
    path = store.folder / "hex8_3p" / f"{model.id}.pth"
    assert store.path(model) == path
    assert content(path) == content(tmp_path / "new.pth")
    assert store.listed() == [store.find(model.id)] == [model]


def test_a_model_that_lies_in_its_place_stays_there(store: ModelStore, tmp_path: Path) -> None:
    identity = save_model(tmp_path / "new.pth", network())[:16]
    path = store.folder / "hex8_2p" / f"{identity}.pth"
    save_model(path, network())
    before = path.stat().st_ino
    model = store.register(path)
    assert (model.id, store.path(model)) == (identity, path)
    assert store.register(path) == model, "once more changes nothing"
    assert len(store.listed()) == 1
    assert store.read(model) == content(path)
    assert path.stat().st_ino == before, "it has not been written again"


def test_files_that_were_lost_come_back_with_a_copy(store: ModelStore) -> None:
    model = registered(store)
    before = content(store.path(model))
    store.path(model).unlink()
    with pytest.raises(AbsentModel, match=f"{model.id}.pth: cannot be read"):
        store.read(model)
    store.path(model).with_suffix(".json").write_text("{}")
    assert registered(store) == model
    assert content(store.path(model)) == before


def test_what_is_no_sound_model_is_not_taken_in(store: ModelStore, tmp_path: Path) -> None:
    with pytest.raises(MissingModel, match="no such model"):
        store.register(tmp_path / "none.pth")
    save_model(tmp_path / "cut.pth", network())
    (tmp_path / "cut.pth").write_bytes((tmp_path / "cut.pth").read_bytes()[:1000])
    with pytest.raises(DamagedModel, match="cut off"):
        store.register(tmp_path / "cut.pth")
    assert store.listed() == []
    assert not store.folder.exists()


def test_a_model_is_found_by_the_digits_that_only_it_begins_with(store: ModelStore) -> None:
    model = registered(store)
    registered(store, 1)
    assert store.find(model.id[:6].upper()) == model
    for name in ("", model.id[:3]):
        with pytest.raises(UnknownModel, match="4 or more digits"):
            store.find(name)


def test_an_unknown_model_is_told_with_those_that_are_close(store: ModelStore) -> None:
    model = registered(store)
    wrong = model.id[:5] + "zz" + model.id[7:]
    with pytest.raises(UnknownModel, match=f"no model '{wrong}'; did you mean {model.id}\\?"):
        store.find(wrong)
    with pytest.raises(UnknownModel, match="`ringrift models list` shows them all"):
        store.find("zzzzzzzz")


def test_a_model_of_another_config_is_refused(store: ModelStore) -> None:
    model = registered(store)
    assert store.find(model.id, "hex8_2p") == model
    with pytest.raises(UnknownModel, match=f"model {model.id} is for hex8_2p, not for square8_2p"):
        store.find(model.id, "square8_2p")


def test_models_are_listed_by_config_and_status(store: ModelStore) -> None:
    two, three = registered(store), registered(store, config="hex8_3p")
    assert {model.id for model in store.listed()} == {two.id, three.id}
    assert store.listed("hex8_3p") == [three]
    assert store.listed(status="production") == []
    with pytest.raises(UnknownConfig):
        store.listed("hex9_2p")
    with pytest.raises(UnknownModel, match="no model has the status 'good'; they are development, staging"):
        store.listed(status="good")


def test_a_stored_model_loads(store: ModelStore) -> None:
    model = registered(store)
    assert load_model(store.path(model), board="hex8", players=2).config == network().config


def test_a_damaged_side_file_keeps_its_model_out_and_harms_no_other(store: ModelStore, tmp_path: Path) -> None:
    sound = registered(store)
    save_model(tmp_path / "bad.pth", network("hex8_3p"), {"training": TRAINING})
    sidecar = tmp_path / "bad.json"
    sidecar.write_bytes(sidecar.read_bytes().replace(b'"games": 300', b'"games": [1]'))
    with pytest.raises(DamagedModel, match=r"bad\.json: does not describe a model \(extra.training.dataset.games: "):
        store.register(tmp_path / "bad.pth")
    assert store.listed() == [sound]
