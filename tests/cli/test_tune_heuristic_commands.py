"""`ringrift tune heuristic`, `accept`, `ask`, `answer` and `tell` as people and hosts run them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ringrift.cli import app
from ringrift.heuristic import FEATURE_NAMES, frozen_weights, read_weights, write_weights
from tests.cli.processes import complaint

CONFIG = "square8_2p"
SMALL = ("--plain", "--generations", "1", "--population", "4", "--games", "2")


@pytest.fixture
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with settings by which a check is two games."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "tuning.yaml").write_text(
        "evolution: {check_openings: 1}\n"
        "comparison:\n"
        "  games: 2\n"
        "  nodes: 5\n"
        "  rollouts: 6\n"
        "  selection: {rounds: 1, one_ply_games: 2, search_games: 2, nodes: 5}\n"
    )
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ringrift(*words: str) -> str:
    """What a command prints; it has to succeed."""
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == 0, done.output
    return done.stdout


def scores(answers: str) -> list[float]:
    """The scores in a line of answers."""
    return [one["score"] for one in json.loads(answers)["answers"]]


def test_a_run_comes_to_its_end_and_its_hosts_to_the_same(few: Path) -> None:
    """Once on this machine alone, and once by questions and answers in two parts."""
    alone = json.loads(ringrift("tune", "heuristic", CONFIG, *SMALL, "--run", "alone", "--plot", "plot.png", "--json"))
    assert alone["finished"]
    assert alone["games"] == 4 * 2 + 2
    assert (few / "plot.png").read_bytes().startswith(b"\x89PNG")
    run = json.loads(ringrift("tune", "heuristic", CONFIG, *SMALL, "--run", "hosts", "--begin", "--json"))["run"]
    while parts := json.loads(ringrift("tune", "ask", run, "--parts", "2", "--json"))["parts"]:
        answers = [ringrift("tune", "answer", part) for part in parts]
        report = json.loads(ringrift("tune", "tell", run, *answers, "--plot", "hosts.png", "--json"))
    assert report["weights"] == alone["weights"]
    assert (few / "hosts.png").read_bytes().startswith(b"\x89PNG")
    written = few / run / "weights.yaml"
    assert read_weights(written) == pytest.approx(list(alone["weights"].values()), rel=1e-3)
    assert "CMA-ES (one ply): 1 starts of 1 generations of 4, 10 games, seed 0." in written.read_text()


def test_questions_and_answers_go_through_files_and_pipes_until_the_run_is_finished(few: Path) -> None:
    run = ringrift("tune", "heuristic", CONFIG, *SMALL, "--begin").strip()
    (few / "parts.txt").write_text(ringrift("tune", "ask", run, "--parts", "2"))
    (few / "answers.txt").write_text(ringrift("tune", "answer", "parts.txt"))
    assert len((few / "answers.txt").read_text().splitlines()) == 2
    again = ringrift("tune", "answer", ringrift("tune", "ask", run, "--parts", "2"))  # all in one argument
    assert [scores(line) for line in again.splitlines()] == [
        scores(line) for line in (few / "answers.txt").read_text().splitlines()
    ]
    ringrift("tune", "tell", run, "answers.txt")
    asked = ringrift("tune", "ask", run)
    answered = CliRunner().invoke(app, ["tune", "answer", "-"], input=asked)
    assert "finished" in ringrift("tune", "tell", run, answered.stdout)
    done = CliRunner().invoke(app, ["tune", "ask", run])
    assert (done.exit_code, done.stdout) == (0, "")
    assert f"{run}: is finished and asks nothing more" in done.stderr


def test_the_same_command_tunes_anew_once_other_weights_are_in_use(few: Path) -> None:
    words = ("tune", "heuristic", CONFIG, *SMALL, "--begin")
    first = ringrift(*words)
    assert ringrift(*words) == first
    (few / "config" / "heuristic").mkdir()
    write_weights(few / "config" / "heuristic" / f"{CONFIG}.yaml", 2 * frozen_weights(), "Accepted.")
    assert ringrift(*words) != first
    named = ringrift(*words, "--run", Path(first.strip()).name)  # goes on from the weights that it began with
    assert named == first


def test_an_evaluator_that_cannot_be_made_leaves_no_run_behind(few: Path) -> None:
    words = ("heuristic", CONFIG, "--evaluator", "network", "--network", "none.pth", "--run", "a")
    assert "none.db" in complaint("tune", *words, "-d", "none.db")
    assert not (few / "data").exists()


def test_weights_are_learned_from_a_search(few: Path) -> None:
    words = ("tune", "heuristic", CONFIG, "--method", "comparison", "--start", "v1", "--json")
    report = json.loads(ringrift(*words))
    learned = list(report["weights"].values())
    assert re.fullmatch(r"data/tuning/heuristic/square8_2p/comparison-0-[0-9a-f]{8}/weights\.yaml", report["path"])
    assert read_weights(few / report["path"]) == pytest.approx(learned, rel=1e-3, abs=1e-6)
    again = json.loads(ringrift(*words, "--out", "mine.yaml"))
    assert again["weights"] == report["weights"]
    assert (few / "mine.yaml").read_text() == (few / report["path"]).read_text()


def test_the_frozen_weights_are_a_start_like_any_file(few: Path) -> None:
    write_weights(few / "same.yaml", frozen_weights(), "The same.")
    words = ("tune", "heuristic", CONFIG, *SMALL, "--begin")
    ringrift(*words, "--start", "v1", "--run", "one")
    ringrift(*words, "--start", "same.yaml", "--run", "one")  # the same plan: the same run


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("heuristic", "square9_2p"), "unknown config 'square9_2p'"),
        (("heuristic", CONFIG, "--start", "v7"), "weights 'v7': are neither the frozen version v1 nor a file"),
        (("heuristic", CONFIG, "--start", "none.yaml"), "none.yaml: there is no such file"),
        (("heuristic", CONFIG, "--start", "bad.yaml"), "bad.yaml: weights.mobilty: unknown; did you mean 'mobility'?"),
        (("heuristic", CONFIG, "--start", "less.yaml"), "less.yaml: weights: there is none for credited"),
        (("heuristic", CONFIG, "--evaluator", "luck"), "tune heuristic: evaluator: input should be"),
        (
            ("heuristic", CONFIG, "--evaluator", "network"),
            "the evaluator network needs a model",
        ),
        (("heuristic", CONFIG, "--method", "logistic", "-d", "new.db"), "new.db"),
        (("heuristic", CONFIG, "--method", "comparison", "--start", "v7"), "weights 'v7': are neither"),
        (("heuristic", CONFIG, "--method", "comparison", "--run", "../x"), "../x"),
        (
            ("heuristic", CONFIG, "--method", "comparison", "--plot", "a.png"),
            "--plot: --method comparison does not take it",
        ),
        (("heuristic", CONFIG, "--method", "logistic", "--nodes", "5"), "--nodes: --method logistic does not take it"),
        (("heuristic", CONFIG, "--target", "search"), "--target: --method cma does not take it"),
        (("heuristic", CONFIG, "--plain", "--restarts", "2"), "--restarts: is without effect beside --plain"),
        (("heuristic", CONFIG, "--begin", "--plot", "a.png"), "--plot: is without effect beside --begin"),
        (
            ("heuristic", CONFIG, "--method", "comparison", "--restarts", "0"),
            "--restarts: --method comparison",
        ),
        (("heuristic", CONFIG, "--nodes", "300"), "--nodes: is without effect on the evaluator one_ply"),
        (("heuristic", CONFIG, "--network", "a.pth"), "--network: is without effect on the evaluator one_ply"),
        (("accept", "square8_9p", "less.yaml"), "unknown config 'square8_9p'"),
        (("answer", "none.txt"), "none.txt: cannot be read (No such file or directory)"),
        (("heuristic", CONFIG, "--run", "../x"), "../x"),
        (("accept", CONFIG, "none.yaml"), "none.yaml: there is no such file"),
        (("ask", "nowhere"), "nowhere/run.json: there is no such run"),
        (("answer", "{}"), "a part of a question that cannot be read"),
        (("tell", "nowhere", "none.json"), "none.json: cannot be read (No such file or directory)"),
    ],
)
def test_what_is_wrong_is_one_line(words: tuple[str, ...], message: str, few: Path) -> None:
    text = "weights:\n" + "".join(f"  {name}: 0.5\n" for name in FEATURE_NAMES)
    (few / "bad.yaml").write_text(text.replace("mobility", "mobilty"))
    (few / "less.yaml").write_text(text.replace("  credited: 0.5\n", ""))
    assert message in complaint("tune", *words)
