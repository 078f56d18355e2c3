"""The plugin as Airflow finds it: in its plugins folder, and by the entry point of the package."""

from __future__ import annotations

import asyncio
import configparser
import runpy
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import EntryPoint, distributions
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from ringrift_airflow import api
from ringrift_airflow.plugin import RingRiftPlugin
from tests.airflow.place import REPOSITORY

PLUGINS = REPOSITORY / "plugins"


def test_the_package_that_can_be_installed_is_whole_and_says_where_its_plugin_is(tmp_path: Path) -> None:
    copied = tmp_path / "plugins"
    shutil.copytree(PLUGINS, copied, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    words = ("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(copied))
    subprocess.run([sys.executable, "-m", "pip", *words], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (entries,) = (name for name in names if name.endswith("/entry_points.txt"))
        found = configparser.ConfigParser()
        found.read_string(archive.read(entries).decode())
    modules = {str(path.relative_to(PLUGINS)) for path in (PLUGINS / "ringrift_airflow").rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == modules
    (name,) = found.options("airflow.plugins")
    assert EntryPoint(name, found["airflow.plugins"][name], "airflow.plugins").load() is RingRiftPlugin


def test_the_plugins_folder_holds_one_file_for_airflow_and_the_rest_is_the_package() -> None:
    assert [path.name for path in PLUGINS.glob("*.py")] == ["ringrift_plugin.py"]
    assert (PLUGINS / ".airflowignore").read_text().splitlines() == ["ringrift_airflow", "build"]


def test_the_plugins_folder_holds_the_plugin_where_no_entry_point_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow shows a plugin that it has found twice as an error, in its web UI."""
    path = PLUGINS / "ringrift_plugin.py"
    assert "RingRiftPlugin" not in runpy.run_path(str(path)), "the package is installed here"
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: ())
    assert runpy.run_path(str(path))["RingRiftPlugin"] is RingRiftPlugin


def test_the_plugin_has_one_entry_point_where_the_checkout_is_on_the_path() -> None:
    """Airflow looks at each folder of Python's path, and takes what two of them describe for two."""
    described = [point for place in distributions(path=[str(REPOSITORY), *sys.path]) for point in place.entry_points]
    plugins = [point.value for point in described if point.group == "airflow.plugins"]
    assert plugins == ["ringrift_airflow.plugin:RingRiftPlugin"]


def test_the_api_server_answers_whether_the_loop_is_well(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RINGRIFT_HOME", str(tmp_path))
    api._application.cache_clear()
    server = FastAPI()
    for one in RingRiftPlugin.fastapi_apps:  # as Airflow does it
        server.mount(one["url_prefix"], one["app"])

    async def get(path: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=server), base_url="http://here") as client:
            return await client.get(path)

    metrics, health = asyncio.run(get("/ringrift/metrics")), asyncio.run(get("/ringrift/health"))
    assert metrics.headers["content-type"].startswith("text/plain")
    assert "ringrift_uptime_seconds 0.0" in metrics.text
    assert health.status_code == 503
    assert health.json()["reasons"]
    api._application.cache_clear()
