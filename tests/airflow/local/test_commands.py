"""What is wrong with the settings is said before Airflow starts: one line, exit code 2."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ringrift.settings import DEFAULTS
from ringrift_airflow.local.__main__ import main
from tests.airflow.tiny import change_settings


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of settings, and a home of Airflow that is not there yet."""
    folder = tmp_path / "config"
    shutil.copytree(DEFAULTS, folder)
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "airflow"))
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(folder))
    monkeypatch.setenv("RINGRIFT_LOOP_PRESET", "smoke")
    return folder


def refused(command: str, config: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a command says instead of starting Airflow."""
    assert main(command.split()) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert not (config.parent / "airflow").exists()
    return line


@pytest.mark.parametrize("command", ["up", "loop"])
def test_wrong_settings_are_said_before_airflow_starts(
    command: str, config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGRIFT_LOOP_PRESET", "smok")
    assert refused(command, config, capsys) == "error: loop preset 'smok': unknown; did you mean 'smoke'?"
    monkeypatch.setenv("RINGRIFT_LOOP_PRESET", "smoke")
    (config / "pools.json").write_text("{")
    assert "pools.json: is no YAML" in refused(command, config, capsys)
    change_settings(config / "loop.yaml", {"presets.smoke.selfplay.shards": 0})
    assert "presets.smoke.selfplay.shards: input should be greater than 0" in refused(command, config, capsys)


@pytest.mark.parametrize("name", ["selfplay", "hyperparameters", "evaluation", "models", "database", "datasets"])
def test_settings_of_the_last_stage_are_read_before_the_first(
    name: str, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (config / f"{name}.yaml").write_text("nonsense: 1")
    assert f"{name}.yaml: " in refused("loop", config, capsys)


@pytest.mark.parametrize("command", ["up", "down", "loop"])
def test_a_port_that_is_none_is_said_before_airflow_starts(
    command: str, config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGRIFT_AIRFLOW_PORT", "http")
    assert refused(command, config, capsys).startswith("error: RINGRIFT_AIRFLOW_PORT: 'http' is no port")


def test_a_loop_of_a_config_that_the_preset_lacks_is_not_started(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refused("loop --config square8_3p", config, capsys)
    assert line == "error: loop.yaml: presets.smoke.configs: square8_3p: unknown; did you mean 'square8_2p'?"
