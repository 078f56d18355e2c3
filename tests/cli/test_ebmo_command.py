"""`ringrift train-ebmo` as people run it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ringrift.cli import app
from tests.cli.processes import complaint
from tests.datasets.games import fill, searched_records

pytestmark = pytest.mark.slow


def test_a_network_is_trained_and_played(tmp_path: Path) -> None:
    fill(tmp_path / "games.db", searched_records("hex8_2p", 30)).close()
    places = ["--models", str(tmp_path / "models"), "--database", str(tmp_path / "games.db")]
    trained = CliRunner().invoke(app, ["train-ebmo", "hex8_2p", *places, "--preset", "smoke", "--json"])
    assert trained.exit_code == 0, trained.output
    path = json.loads(trained.stdout)["path"]
    words = ["match", "hex8_2p", f"ebmo:{path}?restarts=2&steps=5", "random", "--games", "2", "--json"]
    match = CliRunner().invoke(app, words)
    assert match.exit_code == 0, match.output
    games = tmp_path / "games"
    played = CliRunner().invoke(
        app, ["selfplay", "hex8_2p", "--players", f"ebmo:{path}", "--games", "2", "--out", str(games), "--json"]
    )
    assert played.exit_code == 0, played.output


def test_what_is_wrong_is_one_line(tmp_path: Path) -> None:
    fill(tmp_path / "games.db", searched_records("hex8_2p", 3)).close()
    database = ["--database", str(tmp_path / "games.db")]
    assert "preset 'huge'" in complaint("train-ebmo", "hex8_2p", "--preset", "huge", *database)
    assert "hex8_3p" in complaint("train-ebmo", "hex8_3p", *database)
    assert "no such file" in complaint("match", "hex8_2p", "ebmo:none.ebmo", "random", "--games", "2")
