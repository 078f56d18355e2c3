"""Where a model comes from, to the first of its ancestors that is known."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from ringrift.cli.render import rendered
from ringrift.evaluation.elo import fit_elo
from ringrift.evaluation.store import store_evaluation, store_ratings
from ringrift.models import ModelStore, Results, StoredModel, lineage, model_settings, promote
from ringrift.run_context import RunContext
from tests.evaluation.planted import won
from tests.models.making import crowned, registered


def trained(store: ModelStore, seed: int, parent: str | None) -> StoredModel:
    """A model that says about itself what a training says."""
    dataset = {"identity": "d5" * 8, "samples": 40_000, "games": 300 + seed, "provenance": {"file": "games.db"}}
    training = {"run": f"run-{seed}", "parent": parent, "dataset": dataset, "code": "1.2"}
    training["settings"] = {"batch": 256, "rate": 3e-4}
    return registered(
        store, seed, training=training | {"losses": [{"policy": 1.567891234567890}], "created": 1_700_000_000 + seed}
    )


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
    promote(store, newest, Results(), RunContext(model_settings().gate))
    crowned(store, newest)
    output = io.StringIO()
    Console(file=output, width=160).print(rendered(lineage(store, store.find(newest.id))))
    told = output.getvalue()
    for part in (
        f"{newest.id}  hex8_2p  production",
        newest.sha256,
        "run: run-2",
        "games: 302",
        "provenance: file games.db",
        "settings: batch 256, rate 0.0003",
        "code: 1.2",
        "1: policy 1.56789",
        f"{family[1].id}  development",
        "feedfeedfeedfeed  is not in the store",
        "promoted (forced): a test",
        "refused: no: evaluated: ",
        "Elo: none, it has not played rated games",
        "evaluations: none",
    ):
        assert part in told
    assert told.index("promoted (forced)") < told.index("refused"), "the newest first"


def test_its_elo_is_told_by_way_of_playing_and_an_evaluation_is_a_line(store: ModelStore) -> None:
    model = registered(store)
    one, other = f"gumbel:{model.id}@32", f"policy:{model.id}"
    games = [*won(one, "random", 9, of=10), *won(other, "random", 6, of=10)]
    store_ratings(store.database, model.config, fit_elo(games[10:]))
    ratings = fit_elo(games)
    store_ratings(store.database, model.config, ratings)
    score = {"games": 60, "score": 0.8123456789, "low": 0.7, "high": 0.9}
    champion = {"role": "champion", "opponent": "gumbel:feedfeedfeedfeed@32"}
    reports: dict[str, tuple[str, bool | None, dict[str, object]]] = {
        "gauntlet": (one, True, {"opponents": [{"role": "random", "opponent": "random"} | score, champion | score]}),
        "sequential": (other, None, {"opponent": "heuristic", "games": 8, "verdict": {"score": 0.5}}),
        "shadow": (other, False, {"results": [{"opponent": "minimax@2"} | score], "alarms": ["it is worse"]}),
    }
    for kind, (player, passed, report) in reports.items():
        store_evaluation(store.database, kind, model.config, report, candidate=player, passed=passed)
    output = io.StringIO()
    Console(file=output, width=160).print(rendered(lineage(store, model)))
    told = output.getvalue()
    rated = ratings[one]
    assert f"gumbel@32 {rated.elo:.0f} ({rated.low:.0f} … {rated.high:.0f}), 10 games" in told
    assert told.count("policy ") == 1, "by the newest fit alone"
    for part in (
        " gauntlet as gumbel@32, passed: 81.2% against random (60 games), "
        "81.2% against champion gumbel:feedfeedfeedfeed@32 (60 games)\n",
        " sequential as policy, not clear: 50.0% against heuristic (8 games)\n",
        " shadow as policy, not passed: 81.2% against minimax@2 (60 games)\n",
    ):
        assert part in told
    found = json.loads(json.dumps(lineage(store, model).to_json()))
    assert {rating["player"] for rating in found["ratings"]} == {one, other}
    assert found["evaluations"][0]["report"]["opponents"][0]["score"] == 0.8123456789, "all of it for machines"


def test_machines_read_the_same(store: ModelStore, family: list[StoredModel]) -> None:
    crowned(store, family[0])
    found = json.loads(json.dumps(lineage(store, store.find(family[0].id)).to_json()))
    assert found["model"]["training"]["dataset"]["games"] == 302
    assert [ancestor["id"] for ancestor in found["ancestors"]][-1] == "feedfeedfeedfeed"
    assert found["ancestors"][-1]["model"] is None
    assert [entry["kind"] for entry in found["promotions"]] == ["promoted"]
    assert found["evaluations"] == []
