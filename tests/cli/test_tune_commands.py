"""`ringrift tune training` and `ringrift tune population` as people run them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ringrift.cli import app
from tests.cli.processes import complaint
from tests.training.planted import CONFIG, write_both, write_planted

pytestmark = pytest.mark.slow


def options(folder: Path, command: str) -> list[str]:
    places = {
        "--datasets": folder / "training",
        "--runs": folder / "runs",
        "--models": folder / "models",
        "--studies": folder / "tuning",
        "--database": folder / "games.db",
    }
    hyper = ("--preset", "smoke", "--set", "batch=128", "--set", "validate_samples=64", "--device", "cpu")
    words = [word for pair in places.items() for word in map(str, pair)]
    return ["tune", command, CONFIG, *words, *hyper, "--search", "learning_rate=1e-3..1e-2:log"]


def test_a_search_and_a_population_come_to_their_end_and_their_models_are_told(tmp_path: Path) -> None:
    write_both(tmp_path / "training", 256)
    searched = CliRunner().invoke(app, [*options(tmp_path, "training"), "--trials", "2", "--json"])
    assert searched.exit_code == 0, searched.output
    report = json.loads(searched.stdout)
    assert [trial["state"] for trial in report["trials"]] == ["trained", "trained"]
    shown = CliRunner().invoke(app, [*options(tmp_path, "training"), "--trials", "2"])
    assert f"study {report['study']} of {CONFIG}: 2 trained" in shown.stdout
    small = ["--members", "2", "--generations", "2", "--name", "two"]
    bred = CliRunner().invoke(app, [*options(tmp_path, "population"), *small, "--json"])
    assert bred.exit_code == 0, bred.output
    report = json.loads(bred.stdout)
    places = ["--models", str(tmp_path / "models"), "--database", str(tmp_path / "games.db")]
    why = CliRunner().invoke(app, ["models", "why", report["model"], *places])
    assert "population: two" in why.stdout
    parent = next(
        result["outcome"]["model"]
        for result in report["results"]
        if [result["generation"], result["member"]] == report["ancestry"][1]
    )
    assert parent in why.stdout
    one = CliRunner().invoke(
        app, [*options(tmp_path, "population"), *small, "--generation", "1", "--member", "0", "--json"]
    )
    assert json.loads(one.stdout) == report["results"][2], "what has been trained is not trained again"


def test_what_is_wrong_is_one_line(tmp_path: Path) -> None:
    write_planted(tmp_path / "training", 64)
    words = options(tmp_path, "training")
    assert "there are no games held out, by which trainings are compared" in complaint(*words)
    assert "'learning_rat': unknown; did you mean 'learning_rate'?" in complaint(
        *words, "--search", "learning_rat=1..2"
    )
    assert "dropout: input should be less than 1" in complaint(*words, "--search", "dropout=0..2")
    assert "fitness 'los': unknown; did you mean 'loss'?" in complaint(*words, "--fitness", "los")
    assert "unknown config 'square9_2p'" in complaint("tune", "training", "square9_2p")
    alone = complaint(*options(tmp_path, "population"), "--member", "1")
    assert "--generation and --member go together" in alone
    assert "name '../x'" in complaint(*words, "--study", "../x")
