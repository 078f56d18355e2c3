"""`ringrift reanalyse` as people run it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ringrift.agents import champion
from ringrift.cli import app
from ringrift.game_database import GamesDatabase
from ringrift.models import ModelStore
from ringrift.networks import save_model
from tests.cli.processes import complaint
from tests.datasets.games import fill, searched_records
from tests.models.making import crowned, network, registered


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(champion, "SHIPPED", tmp_path / "package")
    fill(tmp_path / "games.db", searched_records("hex8_2p", 6)).close()
    return ["--models", str(tmp_path / "models"), "--database", str(tmp_path / "games.db")]


def test_the_champion_searches_old_games_again(places: list[str], tmp_path: Path) -> None:
    with GamesDatabase(str(tmp_path / "games.db")) as database:
        store = ModelStore(database, tmp_path / "models")
        model = crowned(store, registered(store, architecture="small"))
    words = ["reanalyse", "hex8_2p", "--share", "0.1", "--search", "gumbel@2", *places]
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert (report["model"], report["budget"], report["left"]) == (model.id, "gumbel@2", 0)
    again = CliRunner().invoke(app, words)
    assert "has searched 0 decisions of 0 games again" in again.stdout


def test_without_a_champion_of_its_own_that_of_the_package_searches(places: list[str], tmp_path: Path) -> None:
    shipped = save_model(tmp_path / "package" / "hex8_2p.pth", network("hex8_2p", architecture="small"))[:16]
    done = CliRunner().invoke(
        app, ["reanalyse", "hex8_2p", "--share", "0.1", "--search", "gumbel@2", "--json", *places]
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["model"] == shipped


def test_what_is_wrong_is_one_line(places: list[str]) -> None:
    assert "hex8_2p has had no champion yet" in complaint("reanalyse", "hex8_2p", *places)
    assert "unknown config 'square9_2p'" in complaint("reanalyse", "square9_2p", *places)
    assert "share" in complaint("reanalyse", "hex8_2p", "--share", "0", *places)
    assert "is to be gumbel or puct" in complaint("reanalyse", "hex8_2p", "--search", "random", *places)


def test_a_model_of_another_config_is_refused(places: list[str], tmp_path: Path) -> None:
    with GamesDatabase(str(tmp_path / "games.db")) as database:
        other = registered(ModelStore(database, tmp_path / "models"), config="square8_2p", architecture="small")
    path = tmp_path / "models" / "square8_2p" / f"{other.id}.pth"
    assert "square8" in complaint("reanalyse", "hex8_2p", "--model", path, *places)
