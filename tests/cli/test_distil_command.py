"""`ringrift distil --to small` as people run it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from ringrift.agents import champion
from ringrift.cli import app
from ringrift.game_database import GamesDatabase
from ringrift.models import ModelStore
from ringrift.networks import NetworkConfig, build_network, save_model
from tests.cli.processes import complaint
from tests.training.planted import CONFIG, FEATURES, write_both


def teacher(path: Path) -> Path:
    torch.manual_seed(3)
    save_model(path, build_network(NetworkConfig.of("small", "square8", 2, FEATURES)))
    return path


@pytest.fixture
def places(tmp_path: Path) -> list[str]:
    write_both(tmp_path / "training")
    named = {"--datasets": "training", "--models": "models", "--runs": "runs", "--database": "games.db"}
    return [word for option, name in named.items() for word in (option, str(tmp_path / name))]


@pytest.mark.slow
def test_a_student_is_trained_registered_and_compared_with_its_teachers(places: list[str], tmp_path: Path) -> None:
    files = [str(teacher(tmp_path / "one.pth"))]
    words = ["distil", *files, CONFIG, "--to", "small", "--temperature", "2", "--preset", "smoke", "--games", "2"]
    done = CliRunner().invoke(app, [*words, "--register", *places, "--json"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    (compared,) = report["comparisons"]
    assert compared["games"] == 2
    assert compared["student_speed"] > 0
    assert report["facts"]["teachers"] == [compared["teacher"]]
    with GamesDatabase(str(tmp_path / "games.db")) as database:
        models = ModelStore(database, tmp_path / "models").listed(CONFIG)
    assert [model.id for model in models] == [report["facts"]["model"]]


def test_what_is_wrong_is_one_line(places: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(champion, "SHIPPED", tmp_path / "package")
    path = teacher(tmp_path / "one.pth")
    assert "has had no champion yet" in complaint("distil", "best", CONFIG, "--to", "small", *places)
    assert "unknown config" in complaint("distil", path, "square9_2p", "--to", "small", *places)
    assert "huge" in complaint("distil", path, CONFIG, "--to", "huge", *places)
    assert "one teacher, and 2 are named" in complaint("distil", path, path, CONFIG, "--to", "nnue", *places)
