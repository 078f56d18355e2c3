"""Where a model comes from, to the first of its ancestors that is known."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from ringrift.models import ModelStore, Results, StoredModel, lineage, model_settings, promote
from tests.models.making import crowned, registered


def trained(store: ModelStore, seed: int, parent: str | None) -> StoredModel:
    """A model that says about itself what a training says."""
    dataset = {"identity": "d5" * 8, "samples": 40_000, "games": 300 + seed, "provenance": {"file": "games.db"}}
    training = {"run": f"run-{seed}", "parent": parent, "dataset": dataset, "code": "1.2", "settings": {"batch": 256}}
    return registered(store, seed, training=training | {"losses": [{"policy": 1.5}], "created": 1_700_000_000 + seed})


@pytest.fixture
def family(store: ModelStore) -> list[StoredModel]:
    """A model, its parent, and the parent of that one; the oldest comes from one that the store does not know."""
    oldest = trained(store, 0, "feedfeedfeedfeed")
    middle = trained(store, 1, oldest.id)
    return [trained(store, 2, middle.id), middle, oldest]


def test_the_chain_goes_back_to_what_is_known(store: ModelStore, family: list[StoredModel]) -> None:
    found = lineage(store, family[0])
    assert [ancestor.id for ancestor in found.ancestors] == [family[1].id, family[2].id, "feedfeedfeedfeed"]
    assert [ancestor.model for ancestor in found.ancestors] == [family[1], family[2], None]
    assert lineage(store, registered(store, 9)).ancestors == ()


def test_all_of_it_is_printed(store: ModelStore, family: list[StoredModel]) -> None:
    newest = family[0]
    promote(store, newest, Results(), model_settings().gate)
    crowned(store, newest)
    output = io.StringIO()
    Console(file=output, width=160).print(lineage(store, store.find(newest.id)))
    told = output.getvalue()
    for part in (
        f"{newest.id}  hex8_2p  production",
        newest.sha256,
        "run: run-2",
        "games: 302",
        "file: games.db",
        "batch: 256",
        "code: 1.2",
        "policy: 1.5",
        f"{family[1].id}  development",
        "feedfeedfeedfeed  is not in the store",
        "promoted (forced): a test",
        "refused: no: games: ",
        "evaluations: none",
    ):
        assert part in told
    assert told.index("promoted (forced)") < told.index("refused"), "the newest first"


def test_machines_read_the_same(store: ModelStore, family: list[StoredModel]) -> None:
    crowned(store, family[0])
    found = json.loads(json.dumps(lineage(store, store.find(family[0].id)).to_json()))
    assert found["model"]["training"]["dataset"]["games"] == 302
    assert [ancestor["id"] for ancestor in found["ancestors"]][-1] == "feedfeedfeedfeed"
    assert found["ancestors"][-1]["model"] is None
    assert [entry["kind"] for entry in found["promotions"]] == ["promoted"]
    assert found["evaluations"] == []
