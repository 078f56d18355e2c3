"""The names of a model: the same in every command."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringrift.agents import champion
from ringrift.models import ModelStore, Results, UnknownModel, model_settings, promote
from ringrift.models.names import model_file, named_model
from ringrift.networks import save_model
from ringrift.run_context import RunContext
from tests.models.making import network, registered


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the package's champions, of which there is none unless a test writes one."""
    folder = tmp_path / "package"
    monkeypatch.setattr(champion, "SHIPPED", folder)
    return folder


def champions(store: ModelStore, count: int) -> list[str]:
    """Promote models one after the other; their ids, the present champion first."""
    ids: list[str] = []
    for seed in range(count):
        model = registered(store, seed)
        promote(store, model, Results(), RunContext(model_settings().gate), force="a test")
        ids.insert(0, model.id)
    return ids


def test_a_model_is_known_by_id_digits_path_and_rank(store: ModelStore) -> None:
    best, before, first = champions(store, 3)
    config = store.find(best).config
    names = {
        best: best,
        best[:8].upper(): best,
        str(store.path(store.find(before))): before,
        "best": best,
        "best~0": best,
        "best~1": before,
        f"{config}/best~2": first,
    }
    assert {name: named_model(store, name, config).id for name in names} == names
    assert named_model(store, f"{config}/best").id == best
    for name, model in names.items():
        assert model_file(store, name, config).stem in (model, f"ringrift_best_{config}")


def test_a_file_that_is_not_in_the_store_is_named_by_path_or_id(store: ModelStore) -> None:
    path = store.folder / "hex8_3p" / "0123456789abcdef.pth"
    path.parent.mkdir(parents=True)
    path.touch()
    assert model_file(store, "0123456789abcdef", "hex8_3p") == path
    assert model_file(store, str(path), "hex8_3p") == path


def test_until_there_is_a_champion_best_is_that_of_the_package(store: ModelStore, package: Path) -> None:
    shipped = package / "hex8_2p.pth"
    save_model(shipped, network("hex8_2p", 7))
    for name in ("best", "best~0", "hex8_2p/best"):
        assert model_file(store, name, "hex8_2p") == shipped
        with pytest.raises(UnknownModel, match="hex8_2p has had no champion yet"):
            named_model(store, name, "hex8_2p")
    for name in ("best~1", "hex8_3p/best"):
        with pytest.raises(UnknownModel, match="has had no champion yet"):
            model_file(store, name, "hex8_2p")
    (best,) = champions(store, 1)
    assert model_file(store, "best", "hex8_2p").stem == best


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("best", "best: hex8_3p has had no champion yet"),
        ("best~7", "best~7: hex8_3p has had no champion yet"),
        ("0123", "there is no model '0123'"),
        ("nowhere.pth", "there is no model 'nowhere.pth'"),
    ],
)
def test_a_name_of_nothing_is_one_line(store: ModelStore, name: str, message: str) -> None:
    with pytest.raises(UnknownModel, match=message):
        model_file(store, name, "hex8_3p")


def test_the_champion_needs_a_config(store: ModelStore) -> None:
    with pytest.raises(UnknownModel, match="best: the champion of which config"):
        named_model(store, "best")


def test_there_are_only_so_many_champions(store: ModelStore, tmp_path: Path) -> None:
    (best,) = champions(store, 1)
    with pytest.raises(UnknownModel, match=r"best~1: .* has had 1 so far"):
        named_model(store, "best~1", store.find(best).config)
