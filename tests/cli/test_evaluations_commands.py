"""`ringrift evaluations`, `allocate`, `clean`, `gate` and `holdout` as people run them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ringrift.cli import app
from tests.cli.processes import complaint

CONFIG = "square8_2p"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RINGRIFT_DATABASE", str(tmp_path / "games.db"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> Result:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    return done


def test_the_games_of_an_evaluation_are_listed_shown_and_exported(home: Path) -> None:
    run("tournament", CONFIG, "-p", "random", "-p", "heuristic:v1", "-n", "4")
    assert "tournament" in run("evaluations", "list", CONFIG).stdout
    games = json.loads(run("evaluations", "games", "--kind", "tournament", "--json").stdout)
    assert len(games) == 4
    assert {tuple(sorted(game["players"])) for game in games} == {("heuristic:v1", "random")}
    shown = run("evaluations", "show", games[0]["name"]).stdout
    assert f"winner   {games[0]['winner']}" in shown
    run("evaluations", "export", "--run", games[0]["run"], "--out", "games.jsonl")
    assert (home / "games.jsonl").read_text().count("\n") == 4
    assert "player 1" in run("game", "replay", "games.jsonl").stdout


def test_weights_and_what_may_go_are_told(home: Path) -> None:
    run("tournament", CONFIG, "-p", "random", "-p", "heuristic:v1", "-n", "2")
    found = json.loads(run("allocate", "--preset", "laptop", "--json").stdout)
    assert [one["config"] for one in found["weights"]] == ["square8_2p", "hex8_2p"]
    assert all(one["why"] for one in found["weights"])
    again = json.loads(run("allocate", "--preset", "laptop", "--json").stdout)
    assert again["before"] == {one["config"]: pytest.approx(one["weight"]) for one in found["weights"]}
    report = json.loads(run("clean", "--json").stdout)
    assert (report["applied"], report["bytes"]) == (False, 0)


def test_what_is_no_model_or_game_is_one_line(home: Path) -> None:
    (home / "text.pth").write_text("no model")
    run("allocate", "--preset", "smoke")
    assert "nothing.pth" in complaint("gate", "nothing.pth")
    assert "text.pth" in complaint("gate", "text.pth")
    assert "text.pth" in complaint("holdout", "text.pth")
    assert "has had no champion yet" in complaint("holdout", f"{CONFIG}/best")
    assert "name it as RUN/NUMBER" in complaint("evaluations", "show", "17")


def test_another_machine_takes_part_in_a_tournament(home: Path) -> None:
    (question, *more) = json.loads(run("evaluations", "ask", CONFIG, "tournament", "--json").stdout)["questions"]
    assert len(more) == 7 * 6 // 2 - 1
    few = json.dumps(json.loads(question) | {"games": 2})
    (home / "answer.json").write_text(run("evaluations", "answer", few).stdout)
    assert "2 games of 1 answers are verified" in run("evaluations", "tell", "answer.json").stdout
    assert len(json.loads(run("evaluations", "games", "--json").stdout)) == 2
    assert "0 games that ended 14 days ago or more would be removed, 2 stay" in run("evaluations", "forget").stdout
    forgotten = json.loads(run("evaluations", "forget", "--days", "0", "--apply", "--json").stdout)
    assert (forgotten["games"], forgotten["kept"]) in ((2, 0), (0, 2)), "they may have ended in this second"


def test_what_is_no_question_or_answer_is_one_line(home: Path) -> None:
    (home / "text.json").write_text("no answer")
    (home / "list.json").write_text("[]")
    assert "fixture: not JSON" in complaint("evaluations", "answer", "{")
    assert "text.json: not JSON" in complaint("evaluations", "tell", "text.json")
    assert "list.json: is no answer: `ringrift evaluations answer` prints one" in complaint(
        "evaluations", "tell", "list.json"
    )
    assert "nothing.json: cannot be read" in complaint("evaluations", "tell", "nothing.json")
