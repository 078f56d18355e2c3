"""`ringrift train` as people run it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ringrift.cli import app
from tests.cli.processes import complaint, ringrift, ringrift_on_a_full_disk
from tests.training.planted import CONFIG, write_both, write_planted

pytestmark = pytest.mark.slow


def options(folder: Path) -> list[str]:
    places = ("--datasets", folder / "training", "--runs", folder / "runs", "--models", folder / "models")
    hyper = ("--preset", "smoke", "--set", "batch=128", "--set", "replay_ratio=1")
    return ["train", CONFIG, "--device", "cpu", *map(str, places), *hyper]


def test_it_goes_on_from_the_newest_model_and_the_same_call_again_is_the_same_training(tmp_path: Path) -> None:
    write_both(tmp_path / "training")
    words = [*options(tmp_path), "--database", str(tmp_path / "games.db")]
    first = CliRunner().invoke(app, [*words, "--from", "newest", "--json"])
    assert first.exit_code == 0, first.output
    parent = json.loads(first.stdout)["facts"]["model"]
    again = CliRunner().invoke(app, [*words, "--from", "newest", "--json"])
    assert json.loads(again.stdout)["facts"]["model"] == parent
    write_planted(tmp_path / "training", 512, seed=5, first_game=5000)
    child = CliRunner().invoke(app, [*words, "--from", "newest"])
    assert child.exit_code == 0, child.output
    assert f"started from model {parent}" in child.stdout


def test_a_model_can_go_into_the_store_at_once(tmp_path: Path) -> None:
    write_both(tmp_path / "training")
    database = ["--database", str(tmp_path / "games.db")]
    trained = CliRunner().invoke(app, [*options(tmp_path), "--register", *database, "--json"])
    assert trained.exit_code == 0, trained.output
    place = ["--models", str(tmp_path / "models"), *database]
    listed = CliRunner().invoke(app, ["models", "list", "--status", "development", *place, "--json"])
    assert [model["id"] for model in json.loads(listed.stdout)] == [json.loads(trained.stdout)["facts"]["model"]]


def test_a_model_that_has_learned_all_there_is_is_exit_code_1(tmp_path: Path) -> None:
    write_both(tmp_path / "training")
    words = options(tmp_path)
    assert CliRunner().invoke(app, words).exit_code == 0
    (path,) = (tmp_path / "models" / CONFIG).glob("*.pth")
    nothing = CliRunner().invoke(app, [*words, "--from", str(path)])
    assert nothing.exit_code == 1
    assert f"0 of 512 samples are new since {path.stem}" in nothing.stdout
    assert json.loads(CliRunner().invoke(app, [*words, "--from", str(path), "--json"]).stdout).keys() == {"nothing_new"}


def test_a_training_on_a_full_disk_is_one_line_and_goes_on_once_there_is_room(tmp_path: Path) -> None:
    write_both(tmp_path / "training")
    words = options(tmp_path)
    done = ringrift_on_a_full_disk(200_000, *words)
    assert done.returncode == 2, done.stderr
    (message,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert message.endswith("cannot be written (File too large)")
    assert "Traceback" not in done.stderr
    assert not [*(tmp_path / "models").rglob("*.pth"), *tmp_path.rglob("*.partial")]
    done = ringrift(*words)
    assert done.returncode == 0, done.stderr


def test_what_is_wrong_is_one_line(tmp_path: Path) -> None:
    assert "there is no such data set; `ringrift dataset export` makes one" in complaint(*options(tmp_path))
    assert "unknown config 'square9_2p'" in complaint("train", "square9_2p")
    assert "preset 'huge': unknown" in complaint("train", CONFIG, "--preset", "huge")
    assert "learning_rat: unknown; did you mean 'learning_rate'?" in complaint(
        "train", CONFIG, "--set", "learning_rat=1"
    )
    assert "losses.value: input should be a valid number" in complaint("train", CONFIG, "--set", "losses.value=high")
    assert "the form is name=value" in complaint("train", CONFIG, "--set", "batch")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--nodes", "2"], "--nodes, --node-rank and --rendezvous belong together"),
        (["--rendezvous", "gpu-1:29400"], "--nodes, --node-rank and --rendezvous belong together"),
        (["--nodes", "2", "--node-rank", "2", "--rendezvous", "gpu-1:29400"], "the last one is number 1"),
        (["--nodes", "2", "--node-rank", "1", "--rendezvous", "gpu-1"], "write ADDRESS:PORT of machine 0"),
        (["--nodes", "2", "--node-rank", "1", "--rendezvous", "gpu-1:99999"], "write ADDRESS:PORT of machine 0"),
    ],
)
def test_machines_that_cannot_meet_are_refused_in_one_line(words: list[str], why: str) -> None:
    assert why in complaint("train", "square8_2p", *words)
