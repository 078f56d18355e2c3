"""`ringrift train-nnue`, `distil` and `bench nnue` as people run them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ringrift.cli import app
from tests.cli.processes import complaint, ringrift
from tests.datasets.games import fill, searched_records

pytestmark = pytest.mark.slow


def test_a_network_is_trained_distilled_and_played(tmp_path: Path) -> None:
    fill(tmp_path / "games.db", searched_records("hex8_2p", 30)).close()
    places = ("--models", tmp_path / "models", "--runs", tmp_path / "runs", "--database", tmp_path / "games.db")
    options = [*map(str, places), "--preset", "smoke", "--set", "epochs=1"]
    trained = CliRunner().invoke(app, ["train-nnue", "hex8_2p", *options, "--json"])
    assert trained.exit_code == 0, trained.output
    path = tmp_path / "models" / "hex8_2p" / f"{json.loads(trained.stdout)['facts']['model']}.nnue"
    distilled = CliRunner().invoke(app, ["distil", "policy:heuristic", "hex8_2p", "--to", "nnue", *options])
    assert distilled.exit_code == 0, distilled.output
    assert "nnue for hex8_2p" in distilled.stdout
    match = CliRunner().invoke(app, ["match", "hex8_2p", f"minimax:{path}@1", "random", "--games", "2", "--json"])
    assert match.exit_code == 0, match.output


def test_what_is_wrong_is_one_line(tmp_path: Path) -> None:
    assert "unknown config 'square9_2p'" in complaint("train-nnue", "square9_2p")
    assert "preset 'huge'" in complaint("train-nnue", "square8_2p", "--preset", "huge")
    assert "nowhere.nnue: no such file" in complaint("match", "hex8_2p", "minimax:nowhere.nnue@2", "random")


def test_a_bad_network_is_exit_code_2_and_one_line(tmp_path: Path) -> None:
    (tmp_path / "bad.nnue").write_bytes(b"RRNNUE01" + bytes(100))
    done = ringrift("match", "hex8_2p", f"minimax:{tmp_path / 'bad.nnue'}@2", "random")
    assert done.returncode == 2
    assert "cut off or altered" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_networks_are_measured(tmp_path: Path) -> None:
    words = ("hex8_2p", "--positions", "32", "--nodes", "100", "--repeats", "1", "--models", tmp_path, "--json")
    done = ringrift("bench", "nnue", *words)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["evaluations"][0]["scratch_ns"] > 0
    assert report["searches"][0]["search"] == "minimax"
    assert report["searches"][0]["network"] > 0
