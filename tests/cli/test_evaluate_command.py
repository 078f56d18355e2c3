"""`ringrift evaluate` and `ringrift tournament` as people run them."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

from ringrift.cli import app
from ringrift.game_database import GamesDatabase
from ringrift.models import Results, stored_results
from ringrift.networks import NetworkConfig, build_network, save_model
from ringrift.settings import DEFAULTS
from tests.cli.processes import RINGRIFT, complaint

pytestmark = pytest.mark.slow

CONFIG = "square8_2p"
FEW = {
    "first_games: 10": "first_games: 2",
    "second_games: 90": "second_games: 4",
    "anchor_games: 200": "anchor_games: 2",
    "  games: 40": "  games: 2",
    '"heuristic:v1?temperature=4", "heuristic:v1", "minimax?nodes=1000&weights=v1"]': "'heuristic:v1']",
    "least: 10, most: 200": "least: 2, most: 4",
    "games: 15": "games: 2",
}


@pytest.fixture
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in with settings of a few games."""
    shutil.copytree(DEFAULTS, tmp_path / "config")
    path = tmp_path / "config" / "evaluation.yaml"
    text = path.read_text()
    for old, new in FEW.items():
        assert old in text, old
        text = text.replace(old, new)
    path.write_text(text)
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("RINGRIFT_DATABASE", str(tmp_path / "games.db"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def model(few: Path) -> str:
    """The id of a model that has learned nothing, and the file of its config's folder."""
    torch.manual_seed(1)
    folder = few / "models" / CONFIG
    checksum = save_model(folder / "new.pth", build_network(NetworkConfig.of("small", "square8", 2)))
    for suffix in (".pth", ".json"):
        (folder / f"new{suffix}").rename(folder / f"{checksum[:16]}{suffix}")
    return checksum[:16]


def run(*words: str) -> Result:
    """A command in this process: one of its own would load torch and all kernels first."""
    return CliRunner().invoke(app, words)


def test_a_model_that_has_learned_nothing_does_not_pass(model: str) -> None:
    done = run("evaluate", CONFIG, model, "--as", "gumbel@2")
    assert done.exit_code == 1, done.output
    assert f"gauntlet of gumbel:{model}@2" in done.stdout
    assert "there is no champion yet" in done.stdout
    assert "not passed" in done.stdout
    again = run("evaluate", CONFIG, f"models/{CONFIG}/{model}.pth", "--as", "gumbel@2", "--json")
    assert again.exit_code == 1, again.output
    found = json.loads(again.stdout)
    assert found["gauntlet"]["model"] == f"gumbel:{model}@2"
    rated = {player["player"] for player in found["ratings"]["players"]}
    assert rated == {f"gumbel:{model}@2", "random", "heuristic:v1"}


def test_a_model_is_rated_in_the_ways_that_are_asked_for(model: str) -> None:
    done = run("rate", CONFIG, model, "--as", "policy", "--as", "gumbel@2", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)["ratings"]
    assert [one["player"] for one in found] == [f"policy:{model}", f"gumbel:{model}@2"]
    assert all(one["low"] < one["elo"] < one["high"] for one in found)
    assert f"policy:{model}  {found[0]['elo']:.0f} (" in run("rate", CONFIG, model, "--as", "policy").stdout


def test_a_model_is_tested_until_it_is_clear(model: str) -> None:
    done = run("evaluate", CONFIG, model, "--as", "policy", "--against", "heuristic", "--json")
    assert done.exit_code == 1, done.output
    assert json.loads(done.stdout)["verdict"]["stronger"] is not True


def test_the_newest_model_in_the_shadow_and_everybody_in_a_tournament(model: str, few: Path) -> None:
    assert run("models", "register", f"models/{CONFIG}/{model}.pth").exit_code == 0
    shadow = run("tournament", CONFIG, "--shadow", "--as", "policy", "--json")
    assert shadow.exit_code == 0, shadow.output
    assert json.loads(shadow.stdout)["model"] == f"policy:{model}"
    words = ("-p", "random", "-p", "heuristic", "-p", f"policy:models/{CONFIG}/{model}.pth", "-n", "2")
    done = run("tournament", CONFIG, *words, "--plot", "elo.png")
    assert done.exit_code == 0, done.output
    assert "tournament 0 of 3 players, 6 games" in done.stdout
    assert f"policy:{model}" in done.stdout
    assert (few / "elo.png").read_bytes().startswith(b"\x89PNG")


def test_an_interrupted_evaluation_says_so_and_goes_on(model: str, few: Path) -> None:
    path = few / "config" / "evaluation.yaml"
    path.write_text(path.read_text().replace("first_games: 2", "first_games: 2000"))
    words = [RINGRIFT, "evaluate", CONFIG, model]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        line = running.stderr.readline()
        assert line.startswith("games of ") and " of 2,000, " in line, "a line of progress, for nobody looks"
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=60)
    assert running.returncode == 130, errors
    assert "of 2000 games of" in errors
    assert "run it again to go on" in errors


def test_what_is_wrong_is_one_line(model: str, few: Path) -> None:
    path = few / "models" / CONFIG / f"{model}.pth"
    for words, message in (
        (("evaluate", CONFIG, "0123456789abcdef"), "there is no model '0123456789abcdef'"),
        (("evaluate", "square8_5p", model), "unknown config 'square8_5p'"),
        (("evaluate", "hex8_2p", path), "made for board square8, not hex8"),
        (("evaluate", CONFIG, model, "--as", "policy:other.pth"), "to be a way for a model to play"),
        (("evaluate", CONFIG, model, "--against", "dice"), "unknown mode 'dice'"),
        (("tournament", CONFIG, "-p", "random"), "needs two players or more"),
        (("tournament", CONFIG, "--shadow", "-n", "3"), "leave out --players, --champions and --games"),
        (("tournament", CONFIG, "--champions", "3"), "files of 0 champions, and a table of them needs two"),
        (("tournament", CONFIG, "--champions", "3", "-p", "random"), "--players or --champions, not both"),
        (("tournament", "hex8_4p", "--shadow"), "hex8_4p: no model is registered yet"),
    ):
        assert message in complaint(*words)
    path.write_bytes(path.read_bytes()[:100])
    assert "cut off, 100 of" in complaint("evaluate", CONFIG, model)


def test_a_champion_that_was_altered_is_refused_before_anybody_plays(model: str, few: Path) -> None:
    best = few / "models" / f"ringrift_best_{CONFIG}"
    for suffix in (".pth", ".json"):
        shutil.copy(few / "models" / CONFIG / f"{model}{suffix}", best.with_suffix(suffix))
    text = json.loads(best.with_suffix(".json").read_text())
    best.with_suffix(".json").write_text(json.dumps(text | {"sha256": "0" * 64}))
    assert "the checksum differs from" in complaint("evaluate", CONFIG, model)
    best.with_suffix(".pth").unlink()
    assert "no such model" in complaint("evaluate", CONFIG, model)


def test_a_champion_whose_files_are_gone_is_not_forgotten(model: str, few: Path) -> None:
    path = f"models/{CONFIG}/{model}.pth"
    assert run("promote", CONFIG, path, "--force", "--reason", "a test").exit_code == 0
    for suffix in (".pth", ".json"):
        (few / "models" / f"ringrift_best_{CONFIG}{suffix}").unlink()
    for words in (("evaluate", CONFIG, model), ("rate", CONFIG, model), ("tournament", CONFIG, "--shadow")):
        assert "the champion's file is missing: `ringrift models verify --repair` puts" in complaint(*words)


def test_the_gate_asks_for_the_gauntlet_in_its_own_way_of_playing(model: str, few: Path) -> None:
    run("evaluate", CONFIG, model, "--as", "policy", "--no-rating")
    with GamesDatabase() as database:
        assert stored_results(database, CONFIG, model, "policy").scores.keys() == {"random", "heuristic"}
        assert stored_results(database, CONFIG, model, "gumbel@32") == Results()


def test_help_shows_examples() -> None:
    assert "ringrift evaluate square8_2p 0123456789abcdef" in run("evaluate", "--help").stdout
    assert "ringrift tournament square8_2p --shadow" in run("tournament", "--help").stdout
