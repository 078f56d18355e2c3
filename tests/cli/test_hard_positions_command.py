"""`ringrift hard-positions`, and self-play that begins there, as people run them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ringrift.cli import app
from tests.cli.processes import complaint
from tests.datasets.games import fill, searched_records

pytestmark = pytest.mark.slow


def test_positions_are_found_played_and_measured_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    fill(tmp_path / "games.db", searched_records("hex8_2p", 20)).close()
    words = ["hard-positions", "hex8_2p", "--count", "5", "--database", str(tmp_path / "games.db"), "--json"]
    found = CliRunner().invoke(app, words)
    assert found.exit_code == 0, found.output
    assert json.loads(found.stdout)["by_reason"] == {"surprise": 5, "swing": 5}
    tried = CliRunner().invoke(app, ["hard-positions", "hex8_2p", "--check", "heuristic"])
    assert tried.exit_code == 0, tried.output
    assert "heuristic: prefers the action of the search in" in " ".join(tried.stdout.split())
    config = tmp_path / "include" / "config"
    config.mkdir(parents=True)
    (config / "selfplay.yaml").write_text("opening: {share: 0.0, hard: 1.0}\n")
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(config))
    out = ["--games", "4", "--players", "random", "--out", str(tmp_path / "games"), "--json"]
    played = CliRunner().invoke(app, ["selfplay", "hex8_2p", *out])
    assert played.exit_code == 0, played.output
    lines = []
    for path in (tmp_path / "games").rglob("*.jsonl.gz"):
        with gzip.open(path) as file:
            lines += file.readlines()
    assert len(lines) == 4
    assert all(json.loads(line)["opening"] > 0 for line in lines)


def test_a_regression_set_is_of_games_held_out_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    fill(tmp_path / "games.db", searched_records("hex8_2p", 60)).close()
    words = ["hard-positions", "hex8_2p", "--regression", "--count", "3", "--database", str(tmp_path / "games.db")]
    made = CliRunner().invoke(app, [*words, "--json"])
    assert made.exit_code == 0, made.output
    kept = tmp_path / "data" / "positions" / "hex8_2p.regression.json"
    before = kept.read_bytes()
    assert "is there and stays as it is" in complaint(*words)
    assert kept.read_bytes() == before


def test_what_is_wrong_is_one_line(tmp_path: Path) -> None:
    fill(tmp_path / "games.db", searched_records("hex8_2p", 3)).close()
    assert "hex8_3p" in complaint("hard-positions", "hex8_3p", "--database", tmp_path / "games.db")
    assert "makes it" in complaint("hard-positions", "hex8_2p", "--check", "random", "--file", tmp_path / "none.json")
