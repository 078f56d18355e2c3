"""A component of Airflow as a service."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ringrift.fleet.services import AIRFLOW
from ringrift_airflow.local import component
from ringrift_airflow.local.standalone import StandaloneAirflow
from ringrift_airflow.local.supervisor import COMPONENTS


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RINGRIFT_HOME", str(tmp_path))
    monkeypatch.delenv("AIRFLOW_HOME", raising=False)
    return tmp_path / "data" / "airflow"


def test_every_component_is_a_service() -> None:
    assert set(AIRFLOW) == set(COMPONENTS)


def test_a_component_becomes_airflow_with_the_files_of_make_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execvpe", lambda _, words, environment: called.append((words, environment)))
    component.main(["triggerer"])
    ((words, environment),) = called
    assert words[1:] == ["triggerer", "--skip-serve-logs"]
    assert environment["AIRFLOW_HOME"] == str(folder)
    assert (folder / "passwords.json").stat().st_mode & 0o077 == 0
    assert "admin" in json.loads((folder / "passwords.json").read_text())


def test_what_stands_in_the_way_is_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert component.main(["schedular"]) == 2
    assert capsys.readouterr().err == "error: component 'schedular': unknown; did you mean 'scheduler'?\n"
    monkeypatch.setattr(StandaloneAirflow, "running", lambda _: 7)
    assert component.main(["scheduler"]) == 75
    assert "Airflow runs already" in capsys.readouterr().err
