"""The web application inside Airflow's API server: nobody is let in without Airflow's login."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest
from fastapi import FastAPI

from ringrift_airflow.api import PREFIX, application
from ringrift_airflow.plugin import RingRiftPlugin

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from airflow.api_fastapi.app import create_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from airflow.models.revoked_token import RevokedToken
    from airflow.settings import get_engine
from starlette.testclient import TestClient


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv("RINGRIFT_HOME", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "a secret of the tests" * 4)
    create_auth_manager()
    server = FastAPI()
    server.mount(PREFIX, application)
    revoked = RevokedToken.metadata.tables[RevokedToken.__tablename__]
    revoked.create(get_engine())  # the one table of Airflow's that a login looks into
    with TestClient(server) as client:
        yield client
    revoked.drop(get_engine())


def login(client: TestClient, role: str) -> TestClient:
    token = create_auth_manager().generate_jwt(SimpleAuthManagerUser(username="anna", role=role))
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def test_the_plugin_mounts_the_application_and_shows_its_pages() -> None:
    (mounted,) = RingRiftPlugin.fastapi_apps
    assert mounted["url_prefix"] == PREFIX
    places = {view["destination"]: view["href"] for view in RingRiftPlugin.external_views}
    assert places["nav"] == "ringrift/pages/"
    assert places.keys() == {"nav", "dag", "task_instance"}


@pytest.mark.parametrize(
    ("tab", "page"),
    [
        ("about/ringrift__hex8_2p", "#/configs/hex8_2p"),
        ("about/ringrift__hex8_2p/train", "#/runs?config=hex8_2p"),
        ("about/ringrift__hex8_2p/selfplay?run=scheduled__1&shard=-1", "#/games?config=hex8_2p"),
        ("about/ringrift__hex8_2p/gauntlet?run=scheduled__1&shard=-1", "#/configs/hex8_2p?show=evaluations"),
        ("about/ringrift__hex8_2p/gauntlet?run=manual__1&shard={MAP_INDEX}", "#/configs/hex8_2p?show=evaluations"),
        ("about/ringrift__hex8_2p/rate_games?run=manual__1&shard=2", "#/configs/hex8_2p?show=strength"),
        ("about/ringrift__hex8_2p/gate", "#/configs/hex8_2p?show=verdicts"),
        ("about/ringrift__hex8_2p/promote", "#/configs/hex8_2p?show=lineage"),
        ("about/ringrift__hex8_2p/threshold", "#/configs/hex8_2p"),
        ("about/ringrift__tournament", "#/"),
        ("about/something_else/task", "#/"),
        ("about/ringrift__%22%3E%3Cb%3E", "#/"),
    ],
)
def test_a_tab_of_airflow_leads_to_the_page_about_it(tab: str, page: str, client: TestClient) -> None:
    answer = login(client, "viewer").get(f"{PREFIX}/{tab}", follow_redirects=False)
    assert urljoin(str(answer.url), answer.headers.get("location", "")).endswith(f"{PREFIX}/pages/{page}")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/about/ringrift__hex8_2p",
        "/about/ringrift__hex8_2p/train",
        "/openapi.json",
        "/ai/models",
        "/pages/",
        "/pages/data/overview",
        "/api/replay/games",
    ],
)
def test_without_a_login_there_is_nothing_to_see(path: str, client: TestClient) -> None:
    assert client.get(PREFIX + path).status_code == 401


def test_probes_and_metrics_need_no_login(client: TestClient) -> None:
    assert client.get(f"{PREFIX}/live").status_code == 200
    assert client.get(f"{PREFIX}/metrics").status_code == 200


def test_who_may_see_dags_may_look_and_who_may_run_them_may_play(client: TestClient) -> None:
    login(client, "viewer")
    assert client.get(f"{PREFIX}/pages/").status_code == 200
    assert client.get(f"{PREFIX}/ai/models").status_code == 200
    assert client.post(f"{PREFIX}/ai/move", json={}).status_code == 403
    assert client.delete(f"{PREFIX}/ai/cache").status_code == 403
    login(client, "user")
    assert client.post(f"{PREFIX}/ai/move", json={}).status_code == 422
