"""`ringrift models …` and `ringrift promote` as people run them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ringrift.agents import champion, promoted_model
from ringrift.cli import app
from ringrift.game import get_board
from ringrift.networks import NetworkConfig, build_network, load_model, read_id, read_info, save_model
from ringrift.nnue import shipped_network, write_network
from tests.cli.processes import complaint, ringrift
from tests.nnue.networks import random_network


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with two new models."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RINGRIFT_DATABASE", str(tmp_path / "games.db"))
    for name in ("one", "two"):
        save_model(tmp_path / f"{name}.pth", build_network(NetworkConfig.of("small", "hex8", 2)))
    return tmp_path


def run(*words: str | Path, code: int = 0) -> str:
    """What a command says, which ends with that exit code."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return " ".join(done.stdout.split())


def read(*words: str | Path, code: int = 0) -> Any:
    """What a command says to machines."""
    return json.loads(run(*words, "--json", code=code))


def listed(*words: str) -> list[dict[str, Any]]:
    """The models of the store, without those of the package."""
    return [model for model in read("models", "list", *words) if model["status"] != "shipped"]


def test_a_model_from_its_file_to_the_champion_and_back(place: Path) -> None:
    one, two = read("models", "register", "one.pth", "two.pth")
    assert {one["status"], two["status"]} == {"development"}
    refused = run("promote", "hex8_2p", one["id"], code=1)
    assert f"{one['id']} was not promoted; champion: none yet" in refused
    assert "no: evaluated: it has run the gauntlet" in refused
    assert "not run" in refused
    assert read("promote", "hex8_2p", one["id"], "--check", code=1)["gate"]["verdict"].startswith("no: evaluated: ")
    assert f"{one['id']} is the champion, the first, forced: to begin with" in run(
        "promote", "hex8_2p", one["id"][:8], "--force", "--reason", "to begin with"
    )
    report = read("promote", "hex8_2p", "two.pth", "--force", "--reason", "the next")
    assert (report["outcome"], report["champion"], report["previous"]) == ("promoted", two["id"], one["id"])
    assert report["gate"]["checks"][0]["verdict"] == "passed"
    assert "nothing to do" in run("promote", "hex8_2p", two["id"])
    assert read("promote", "hex8_2p", one["id"], "--check", code=1)["gate"]["verdict"].startswith("no: evaluated: ")
    without = read("promote", "hex8_2p", one["id"], "--check", "--no-pause", code=1)
    assert without["gate"]["verdict"].startswith("no: evaluated: ")
    back = run("models", "rollback", "hex8_2p", "--reason", "it loses")
    assert f"{one['id']} is the champion, in place of {two['id']}" in back
    assert promoted_model(Path("models"), "hex8_2p").read_bytes() == (place / "one.pth").read_bytes()
    found = listed("--config", "hex8_2p")
    assert {model["id"]: model["status"] for model in found} == {one["id"]: "production", two["id"]: "archived"}
    assert one["id"] in run("models", "list", "--status", "production")
    shown = run("models", "show", one["id"])
    for part in (
        "production",
        "sound",
        "restored: it loses",
        "promoted (forced): to begin with",
        "refused: no: evaluated",
    ):
        assert part in shown
    assert read("models", "show", one["id"])["fault"] is None
    assert f"{one['id']} hex8_2p production" in run("models", "why", one["id"])
    assert [entry["kind"] for entry in read("models", "why", two["id"])["promotions"]] == ["promoted"]


def test_verify_exits_with_1_until_the_damage_is_mended(place: Path) -> None:
    run("promote", "hex8_2p", "one.pth", "--force", "--reason", "a test")
    assert "1 models and 1 champions verified, all sound" in run("models", "verify")
    promoted_model(Path("models"), "hex8_2p").write_bytes(b"something else")
    assert "is not the champion's file any more" in run("models", "verify", code=1)
    assert "`ringrift models verify --repair`" in complaint(
        "promote", "hex8_2p", "two.pth", "--force", "--reason", "a test"
    )
    assert read("models", "verify", "--repair")["left"] == 0
    assert promoted_model(Path("models"), "hex8_2p").read_bytes() == (place / "one.pth").read_bytes()


def test_integer_networks_are_in_the_store_too(place: Path) -> None:
    identity = write_network(place / "x.nnue", "hex8_2p", random_network(get_board("hex8")))
    one, network = read("models", "register", "one.pth", "x.nnue")
    found = {model["id"]: (model["kind"], model["status"]) for model in listed()}
    assert found == {one["id"]: ("network", "development"), network["id"]: ("nnue", "development")}
    assert network["id"] == identity
    assert f"│ {identity} │ nnue" in run("models", "list")
    assert f"{identity} hex8_2p nnue development" in run("models", "why", "x.nnue")
    assert read("models", "show", identity[:8])["fault"] is None
    (place / "models" / "hex8_2p" / f"{identity}.nnue").write_bytes(b"?")
    assert "is no integer network" in run("models", "show", identity)
    assert read("models", "verify", code=1)["left"] == 1


def test_prune_tells_what_it_would_do_and_does_it(place: Path) -> None:
    run("promote", "hex8_2p", "one.pth", "--force", "--reason", "a test")
    (two,) = read("models", "register", "two.pth")
    words = ("models", "prune", "--newest", "0", "--days", "0")
    assert "1 models would be pruned" in run(*words, "--dry-run")
    assert [model["id"] for model in read(*words)["pruned"]] == [two["id"]]
    assert len(listed()) == 1
    assert len(listed("--all")) == 2
    assert "its files have been pruned" in run("promote", "hex8_2p", two["id"], "--force", "--reason", "x", code=1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("promote", "hex9_2p", "aaaa"), "unknown config 'hex9_2p'"),
        (("promote", "hex8_2p", "nonsense"), "there is no model 'nonsense'"),
        (("promote", "hex8_2p", "aaaa", "--check", "--force", "--reason", "x"), "--force skips the gate"),
        (("promote", "hex8_3p", "one.pth"), "is for hex8_2p, not for hex8_3p"),
        (("promote", "hex8_2p", "three.pth"), "three.pth: no such model"),
        (("promote", "hex8_2p", "one.pth", "--force"), "--force needs --reason TEXT"),
        (("models", "why", "ab"), "'ab' is no model"),
        (("models", "rollback", "hex8_2p"), "hex8_2p has no champion"),
        (("models", "rollback", "hex8"), "unknown config 'hex8'"),
        (("models", "list", "--status", "best"), "no model has the status 'best'"),
        (("models", "register", "games.db"), "not found"),
        (("models", "register", "none.nnue"), "none.nnue: no such file"),
        (("models", "why", "none.nnue"), "none.nnue: no such file"),
    ],
)
def test_wrong_words_are_one_line(place: Path, words: tuple[str, ...], message: str) -> None:
    run("models", "register", "one.pth")
    assert message in complaint(*words)
    assert not promoted_model(Path("models"), "hex8_2p").exists()


def test_as_a_process_what_is_wrong_is_one_line_and_exit_code_2(place: Path) -> None:
    done = ringrift("promote", "hex8_2p", "0123")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert "there is no games database" in done.stderr


def test_help_shows_examples() -> None:
    assert "ringrift promote square8_2p 01234567 --force --reason" in run("promote", "--help").replace("│ ", "")
    assert "ringrift models prune --dry-run" in run("models", "prune", "--help")


def test_a_home_folder_is_found_where_shells_leave_the_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert (
        f"{tmp_path}/games.db: there is no games database" in ringrift("models", "list", "--database=~/games.db").stderr
    )
    said = ringrift("train", "square8_2p", "--datasets=~/sets").stderr
    assert f"{tmp_path}/sets/square8_2p.json: there is no such data set" in said


def test_what_comes_with_the_package_is_listed_too(place: Path) -> None:
    run("models", "register", "one.pth")
    listed = read("models", "list", "--config", "hex8_2p")
    assert [model["status"] for model in listed] == ["development", *("shipped" for _ in listed[1:])]
    shipped = read("models", "list", "--status", "shipped")
    assert {model["kind"] for model in shipped} >= {"nnue"}
    assert all(Path(model["path"]).is_file() for model in shipped)
    assert shipped_network("hex8_2p").name in run("models", "list", "--status", "shipped")


def test_a_shipped_model_plays_the_same_and_names_no_path_of_the_machine(place: Path) -> None:
    (one,) = read("models", "register", "one.pth")
    path = Path(run("models", "ship", one["id"], "--into", "package"))
    text = path.with_suffix(".json").read_text()
    assert read_info(path).extra["training"]["model"] == one["id"]
    assert str(place) not in text
    before, after = (load_model(file).state_dict() for file in (Path("one.pth"), path))
    assert all(bool((before[name] == after[name]).all()) for name in before)


def test_a_shipped_model_brings_along_its_matches_and_what_made_it(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one,) = read("models", "register", "one.pth")
    run("tournament", "hex8_2p", "-p", "policy:one.pth?temperature=0", "-p", "random", "--games", "4")
    made = ("--command", "ringrift loop hex8_2p", "--command", "ringrift gauntlet hex8_2p", "--cpu-minutes", "12")
    path = Path(run("models", "ship", one["id"], "--into", "package", *made))
    card = read_info(path).extra["training"]
    assert card["made"] == {"cpu_minutes": 12, "commands": ["ringrift loop hex8_2p", "ringrift gauntlet hex8_2p"]}
    (match,) = card["matches"]
    assert (match["as"], match["against"], match["games"]) == ("policy?temperature=0", "random", 4)
    monkeypatch.setattr(champion, "SHIPPED", place / "package")
    for shown in (run("models", "show", "hex8_2p/best"), run("models", "why", read_id(path))):
        assert f"policy?temperature=0 {match['share']:.1%}" in shown
        assert "of 4 against random" in shown
        assert "ringrift loop hex8_2p" in shown
        assert "12 minutes of a core" in shown


def test_a_model_of_the_package_is_shown_and_explained(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(champion, "SHIPPED", place / "package")
    elo = {"gumbel@32": {"elo": 900, "low": 800, "high": 1000, "games": 160}}
    training = {"parent": "0123456789abcdef", "model": "fedcba9876543210", "steps": 845, "elo": elo}
    path = place / "package" / "hex8_2p.pth"
    shipped = save_model(path, build_network(NetworkConfig.of("small", "hex8", 2)), {"training": training})[:16]
    nnue = next(one for one in read("models", "list", "--status", "shipped") if one["kind"] == "nnue")
    monkeypatch.delenv("RINGRIFT_DATABASE")
    assert not (place / "data").exists()
    for _ in range(2):  # in a fresh clone, and with a store that does not know it
        for name in (shipped, shipped[:6].upper(), "hex8_2p/best"):
            assert read("models", "show", name) == read("models", "why", name)
            assert read("models", "show", name)["id"] == shipped
        shown = run("models", "show", shipped)
        assert f"config hex8_2p status shipped: comes with the package parent 0123456789abcdef file {path}" in shown
        assert "Elo gumbel@32 900 (800 … 1000), 160 games" in shown
        explained = run("models", "why", shipped)
        assert f"{shipped} hex8_2p network comes with the package" in explained
        assert "0123456789abcdef is not in the store" in explained
        assert "id before it was shipped: fedcba9876543210" in explained
        assert "gumbel@32 900 (800 … 1000), 160 games" in explained
        assert read("models", "why", nnue["id"])["path"] == nnue["path"]
        assert "nnue comes with the package" in run("models", "why", nnue["id"])
        (place / "data").mkdir(exist_ok=True)
        run("models", "register", "one.pth")


def test_the_parent_of_a_model_of_the_package_is_shown_as_it_is_shipped(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(champion, "SHIPPED", place / "package")
    monkeypatch.delenv("RINGRIFT_DATABASE")
    parent, child = (build_network(NetworkConfig.of("small", "hex8", players)) for players in (2, 3))
    digest = save_model(place / "package" / "hex8_2p.pth", parent, {"training": {"model": "0123456789abcdef"}})
    save_model(place / "package" / "hex8_3p.pth", child, {"training": {"parent": "0123456789abcdef"}})
    assert f"parents └── {digest[:16]} hex8_2p, shipped" in run("models", "why", "hex8_3p/best")


def test_a_status_that_does_not_exist_is_one_line(place: Path) -> None:
    assert "no model has the status 'shiped': unknown; did you mean 'shipped'?" in complaint(
        "models", "list", "--status", "shiped"
    )


def test_a_model_that_neither_store_nor_package_has_is_one_line(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(champion, "SHIPPED", place / "package")
    save_model(place / "package" / "hex8_2p.pth", build_network(NetworkConfig.of("small", "hex8", 2)))
    assert "there is no games database" in complaint("models", "show", "hex8_2p/best")
    run("models", "register", "one.pth")
    for verb in ("show", "why"):
        assert "there is no model 'fedcba98'" in complaint("models", verb, "fedcba98")
        assert "name it by 4 or more digits" in complaint("models", verb, "0")
        assert "hex8_2p has had no champion yet" in complaint("models", verb, "hex8_2p/best~1")
