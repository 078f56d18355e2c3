"""The page of a config: how its models learn, where they come from, and who has beaten whom."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.participants import participant
from ringrift.evaluation.rating import update_ratings
from ringrift.evaluation.settings import evaluation_settings
from ringrift.evaluation.tournament import round_robin
from ringrift.game_database import GamesDatabase
from ringrift.models import ModelStore
from ringrift.networks import ARCHITECTURES, Architecture
from ringrift.pipeline.iteration import FOLDER
from ringrift.pipeline.stage_times import STAGES
from ringrift.run_context import RunContext
from ringrift.web import WebContext
from tests.models.making import registered

CONFIG = "square8_2p"
DAG = f"ringrift__{CONFIG}"


@pytest.fixture
def database(context: WebContext, monkeypatch: pytest.MonkeyPatch) -> Iterator[GamesDatabase]:
    monkeypatch.setitem(ARCHITECTURES, "tiny", Architecture(channels=8, blocks=1, squeeze=False, head_channels=4))
    assert context.database_url is not None
    with GamesDatabase(context.database_url, create=True) as opened:
        yield opened


def test_models_of_airflow_have_hours_losses_and_a_lineage(
    database: GamesDatabase, context: WebContext, client: TestClient
) -> None:
    store, now = ModelStore(database, context.models), int(time.time())
    first = registered(store, 1, CONFIG, training={"created": now - 7200, "run": "a"})
    measured = {"holdout": {"total": 2.5}, "gap": 0.25, "calibration": {"ece": 0.04}}
    data = {"dataset": {"identity": "0123456789abcdef", "samples": 900, "provenance": {"steps": [{"games": 40}]}}}
    training = {"created": now - 3600, "run": "b", "parent": first.id} | measured | data
    second = registered(store, 2, CONFIG, training=training)
    notes = context.home / FOLDER / STAGES
    notes.parent.mkdir(parents=True)
    ended = [
        (now - 7200, DAG, "selfplay.shard", 1800),
        (now - 7200, DAG, "train", 1800),
        (now - 3600, DAG, "train", 7200),
        (now - 3600, DAG, "gauntlet", 7200),  # measures, and makes nothing
        (now - 3600, "ringrift__hex8_2p", "train", 7200),
        (now, DAG, "selfplay", 7200),  # for the next one
    ]
    lines = [json.dumps({"when": when, "dag": dag, "task": task, "seconds": took}) for when, dag, task, took in ended]
    notes.write_text("\n".join([*lines, '{"when": 5, "da']))
    page = client.get(f"/pages/data/configs/{CONFIG}").json()
    assert [(point["model"], point["hours"], point["cpu_hours"]) for point in page["points"]] == [
        (first.id, 1.0, None),
        (second.id, 3.0, None),
    ]
    offered = [one["seat"] for one in client.get(f"/pages/data/play/players/{CONFIG}").json()["choices"]]
    assert offered[-4:] == [f"{second.id}@16", f"{second.id}@64", f"{first.id}@16", f"{first.id}@64"]
    step = {"config": CONFIG, "seats": ["person", offered[-1]], "seed": 1, "advance": False}
    assert client.post("/pages/data/play/position", json=step).json()["waits"] == "person"
    newest, oldest = page["models"]
    assert (newest["loss"], newest["gap"], newest["calibration"]) == (2.5, 0.25, 0.04)
    assert (newest["games"], newest["dataset"], newest["parent"]) == (40, "01234567", first.id)
    assert (oldest["loss"], oldest["dataset"]) == (None, None)


def test_who_has_beaten_whom_and_every_game_of_it(
    database: GamesDatabase, context: WebContext, client: TestClient
) -> None:
    assert client.get(f"/pages/data/configs/{CONFIG}/cross-table").json()["players"] == []
    players = (participant("heuristic:v1", CONFIG), participant("random", CONFIG))
    round_robin(CONFIG, players, 4, MatchRunner(database, RunContext(evaluation_settings())))
    update_ratings(database, CONFIG)
    context.home = context.home / "another"  # so that the answer that is remembered is not asked for again
    table = client.get(f"/pages/data/configs/{CONFIG}/cross-table").json()
    assert set(table["players"]) == {"heuristic:v1", "random"}
    (_, won), (lost, _) = table["scores"]
    assert won + lost == 1
    assert table["games"] == [[0, 4], [4, 0]]
    listed = client.get("/pages/data/evaluations", params={"config": CONFIG, "player": "random"}).json()
    assert {game["kind"] for game in listed} == {"tournament"}
    assert sum(1 for game in listed if game["winner"]) == 4
    for game in listed:
        shown = client.get(f"/pages/data/evaluations/{game['run']}/{game['number']}/replay").json()
        assert shown["about"] == game
        assert shown["replay"]["outcome"]["winner"] == game["winner"]
        assert shown["replay"]["engines"] == game["players"]


@pytest.mark.parametrize("path", ["evaluations?kind=none", "evaluations?config=chess", "evaluations/0123/4/replay"])
def test_games_of_evaluations_that_are_not_there_are_refused_in_one_line(
    path: str, database: GamesDatabase, client: TestClient
) -> None:
    refused = client.get(f"/pages/data/{path}")
    assert refused.status_code == 422
    assert "\n" not in refused.json()["detail"]
