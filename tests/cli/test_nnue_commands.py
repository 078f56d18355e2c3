"""`ringrift train-nnue`, `distil` and `bench nnue` as people run them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from ringrift.cli import app
from ringrift.game import get_board
from ringrift.networks import NetworkConfig, build_network, save_model
from ringrift.nnue import write_network
from ringrift.nnue.file import SHIPPED
from tests.cli.processes import complaint, ringrift
from tests.datasets.games import fill, searched_records
from tests.nnue.networks import random_network

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
    store = ["--models", str(tmp_path / "models"), "--database", str(tmp_path / "games.db")]
    listed = CliRunner().invoke(app, ["models", "list", *store, "--status", "development", "--json"])
    assert [(one["kind"], one["status"]) for one in json.loads(listed.stdout)] == [("nnue", "development")] * 2
    match = CliRunner().invoke(app, ["match", "hex8_2p", f"minimax:{path}@1", "random", "--games", "2", "--json"])
    assert match.exit_code == 0, match.output


def test_a_network_that_learned_from_a_model_tells_of_it(tmp_path: Path) -> None:
    fill(tmp_path / "games.db", searched_records("hex8_2p", 10)).close()
    torch.manual_seed(0)
    teacher = build_network(NetworkConfig.of("small", "hex8", 2))
    identity = save_model(tmp_path / "teacher.pth", teacher)[:16]
    store = ["--models", str(tmp_path / "models"), "--database", str(tmp_path / "games.db")]
    options = [*store, "--runs", str(tmp_path / "runs"), "--preset", "smoke", "--set", "positions=200", "--json"]
    words = ["distil", str(tmp_path / "teacher.pth"), "hex8_2p", "--to", "nnue", *options, "--set", "search_share=1.0"]
    distilled = CliRunner().invoke(app, words)
    assert distilled.exit_code == 0, distilled.output
    name = json.loads(distilled.stdout)["facts"]["model"]
    why = json.loads(CliRunner().invoke(app, ["models", "why", name[:8], *store, "--json"]).stdout)
    assert why["network"]["parent"] == identity
    assert why["ancestors"] == [{"id": identity, "model": None}], "the store does not know the file"
    shown = CliRunner().invoke(app, ["models", "show", name, *store])
    assert "gate: it has not played for its promotion" in shown.stdout
    told = CliRunner().invoke(app, ["models", "why", name, *store])
    assert f"policy:{tmp_path / 'teacher.pth'}" in "".join(told.stdout.split())


def test_what_is_wrong_is_one_line(tmp_path: Path) -> None:
    assert "unknown config 'square9_2p'" in complaint("train-nnue", "square9_2p")
    assert "preset 'huge'" in complaint("train-nnue", "square8_2p", "--preset", "huge")
    assert "nowhere.nnue: no such file" in complaint("match", "hex8_2p", "minimax:nowhere.nnue@2", "random")


def shipped(config: str) -> bytes:
    """The file of a sound network."""
    return (SHIPPED / f"{config}.nnue").read_bytes()


BAD_FILES = {
    "of another config": (shipped("square8_2p"), "is a network for square8_2p, not for hex8_2p"),
    "of another version": (b"RRNNUE99" + shipped("hex8_2p")[8:], "is of version '99'"),
    "cut off": (shipped("hex8_2p")[:-1000], "cut off or altered"),
    "with a wrong checksum": (shipped("hex8_2p")[:-1] + b"?", "cut off or altered"),
    "of something else": (b"GIF89a", "is no integer network"),
}


@pytest.mark.parametrize("command", ["match", "gate-nnue"])
@pytest.mark.parametrize(("content", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_is_no_network_for_this_game_is_refused(
    content: bytes, message: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RINGRIFT_DATABASE", str(tmp_path / "games.db"))
    Path("bad.nnue").write_bytes(content)
    words = {"match": ("minimax:bad.nnue@2", "random"), "gate-nnue": ("bad.nnue",)}
    assert message in complaint(command, "hex8_2p", *words[command])


def test_a_network_is_asked_for_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ringrift.nnue.file.SHIPPED", tmp_path / "nothing")
    message = "there is no integer network for hex8_2p"
    for player in ("nnue@2", "minimax:nnue@2", "gumbel:nnue@8"):
        assert message in complaint("match", "hex8_2p", player, "random")


def test_as_a_process_a_bad_network_is_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "bad.nnue").write_bytes(b"RRNNUE01" + bytes(100))
    done = ringrift("match", "hex8_2p", f"minimax:{tmp_path / 'bad.nnue'}@2", "random")
    assert done.returncode == 2
    assert "cut off or altered" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_network_plays_for_its_promotion_and_what_came_of_it_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RINGRIFT_DATABASE", str(tmp_path / "games.db"))
    monkeypatch.setattr("ringrift.models.nnue_gate.NODES", 20)
    board = get_board("hex8")
    identity = write_network(Path("new.nnue"), "hex8_2p", random_network(board))
    done = CliRunner().invoke(app, ["gate-nnue", "hex8_2p", "new.nnue", "--games", "4", "--json"])
    assert done.exit_code == 1, "four games show nothing: " + done.output
    assert json.loads(done.stdout)["network"] == identity
    why = json.loads(CliRunner().invoke(app, ["models", "why", identity, "--json"]).stdout)["network"]
    assert (why["status"], why["verdict"]["match"]["games"]) == ("rejected", 4)


def test_the_networks_are_measured(tmp_path: Path) -> None:
    words = ("hex8_2p", "--positions", "32", "--nodes", "100", "--repeats", "1", "--models", tmp_path, "--json")
    done = ringrift("bench", "nnue", *words)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["evaluations"][0]["scratch_ns"] > 0
    assert report["searches"][0]["search"] == "minimax"
    assert report["searches"][0]["network"] > 0
