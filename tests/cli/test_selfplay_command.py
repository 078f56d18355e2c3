"""`ringrift selfplay` as people run it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ringrift.agents import champion
from ringrift.cli import app
from ringrift.networks import save_model
from ringrift.selfplay import GameFiles, GameRecord, count_games, read_line, read_lines
from ringrift.settings import DEFAULTS
from tests.cli.processes import RINGRIFT, complaint, ringrift, ringrift_on_a_full_disk
from tests.models.making import network

QUICK = ("--players", "heuristic", "--batch", "8")


def test_a_folder_that_is_busy_has_an_exit_code_of_its_own(tmp_path: Path) -> None:
    with GameFiles(tmp_path / "hex8_2p" / "here" / "0", "run", limit=1 << 20):
        found = ringrift("selfplay", "hex8_2p", *QUICK, "--out", tmp_path, "--host", "here", "--games", "1")
    assert found.returncode == 75
    assert "another process plays there" in found.stderr


def test_games_are_played_told_and_kept_and_the_same_command_goes_on(tmp_path: Path) -> None:
    command = ("selfplay", "hex8_2p", *QUICK, "--out", tmp_path, "--host", "here", "--games")
    first = ringrift(*command, "5")
    assert first.returncode == 0, first.stderr
    assert "5 games in" in first.stdout
    assert "games/s" in first.stdout
    assert "│ heuristic │    10 │   5 │ 50.0% │" in first.stdout
    folder = tmp_path / "hex8_2p" / "here" / "0"
    assert f"games are in {folder}" in first.stdout
    report = json.loads(ringrift(*command, "8", "--json").stdout)
    assert (report["games_before"], report["games"], report["complete"]) == (5, 3, True)
    paths = sorted(folder.glob("*.jsonl.gz"))
    records = [read_line(line) for path in paths for line in read_lines(path)]
    assert sorted(record.game for record in records) == list(range(8))
    assert {(record.host, record.worker, record.run) for record in records} == {("here", "0", report["run"])}
    assert report["run"].startswith("here-0-")


def test_the_target_counts_the_games_of_all_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    for path in DEFAULTS.glob("*.yaml"):
        content = path.read_text().replace("hex8_2p: 400", "hex8_2p: 9")
        (folder / path.name).write_text(content)
    (folder / "heuristic").symlink_to(DEFAULTS / "heuristic")
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(folder))
    command = ["selfplay", "hex8_2p", "--players", "random", "--json", "--out", str(tmp_path / "games")]
    runner = CliRunner()
    assert json.loads(runner.invoke(app, [*command, "--games", "4"]).stdout)["games"] == 4
    assert json.loads(runner.invoke(app, [*command, "--target", "--worker", "1"]).stdout)["games"] == 5
    assert json.loads(runner.invoke(app, [*command, "--target"]).stdout)["games"] == 0
    assert count_games(tmp_path / "games") == 9


def test_the_champion_of_the_package_plays_but_from_zero(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(champion, "SHIPPED", tmp_path / "package")
    shipped = save_model(tmp_path / "package" / "hex8_2p.pth", network("hex8_2p", architecture="small"))[:16]
    (tmp_path / "include" / "config").mkdir(parents=True)
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(tmp_path / "include" / "config"))
    players = "players: {trained: 'policy:{best}', bootstrap: 'mixed:heuristic,random'}\n"
    (tmp_path / "include" / "config" / "selfplay.yaml").write_text(players)

    def played(*more: str) -> list[GameRecord]:
        done = CliRunner().invoke(app, ["selfplay", "hex8_2p", "--games", "2", "--json", *more])
        assert done.exit_code == 0, done.output
        report = json.loads(done.stdout)
        paths = Path(report["folder"]).glob(f"{report['run']}-*.jsonl.gz")
        return [read_line(line) for path in paths for line in read_lines(path)]

    games, from_zero = played(), played("--from-zero")
    assert {game.models for game in games} == {(shipped, shipped)}
    assert {game.engines for game in games} == {("policy:{shipped}",) * 2}
    assert {game.models for game in from_zero} == {(None, None)}
    assert {engine for game in from_zero for engine in game.engines} <= {"heuristic", "random"}
    assert games[0].run != from_zero[0].run


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_self_play_that_is_told_to_stop_leaves_every_finished_game(
    sign: signal.Signals, code: int, tmp_path: Path
) -> None:
    words = [RINGRIFT, "selfplay", "hex8_2p", *QUICK, "--json", "--out", tmp_path]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        while not count_games(tmp_path) and running.poll() is None:
            time.sleep(0.01)
        running.send_signal(sign)
        report, errors = running.communicate(timeout=60)
    assert running.returncode == code, errors
    assert "stopping" in errors
    assert "Traceback" not in errors
    assert json.loads(report)["games"] == count_games(tmp_path) > 0
    assert [path.suffix for path in tmp_path.rglob("*.jsonl*")] == [".gz"]


def test_a_full_disk_is_told_in_one_line(tmp_path: Path) -> None:
    words = ["selfplay", "hex8_2p", *QUICK, "--games", "40", "--out", tmp_path]
    ringrift(*words[:4], "--games", "1", "--out", tmp_path / "first")  # everything is compiled then
    done = ringrift_on_a_full_disk(200_000, *words)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"error: {tmp_path}/hex8_2p/")
    assert "cannot be written (File too large)" in done.stderr
    assert "Traceback" not in done.stderr
    (path,) = (tmp_path / "hex8_2p").rglob("*.jsonl")
    assert path.read_bytes().endswith(b"\n")
    assert count_games(tmp_path / "hex8_2p") > 0
    assert ringrift(*words).returncode == 0
    assert count_games(tmp_path / "hex8_2p") == 40


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("hex9_2p",), "unknown config 'hex9_2p'"),
        (("hex8_2p", "--players", "dice"), "player 'dice': unknown mode 'dice'"),
        (("hex8_2p", "--players", "mixed:0xrandom"), "'0xrandom' is no member"),
        (("hex8_2p", "--players", "gumbel:{best}@8", "--from-zero"), "models/ringrift_best_hex8_2p"),
        (("hex8_2p", "--temperature", "cosin"), "temperature 'cosin': unknown; did you mean 'cosine'?"),
        (("hex8_2p", "--draw", "table"), "draw 'table': unknown; known are seat, game"),
        (("hex8_2p", "--run", "a/b"), "run 'a/b': a name consists of letters, digits, dots, dashes and underscores"),
        (("hex8_2p", "--worker", ".."), "worker '..': a name consists of"),
        (("hex8_2p", "--games", "3", "--target"), "say --games or --target, not both"),
        (("hex8_2p", "--players", "random", "--max-moves", "3", "--games", "9"), "leaves nothing to play"),
    ],
)
def test_wrong_words_are_explained_in_one_line(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    assert message in complaint("selfplay", *words, "--out", tmp_path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    message = complaint("selfplay", "hex8_2p", *QUICK, "--out", tmp_path / "file", "--host", "h")
    assert message == f"{tmp_path}/file/hex8_2p/h/0: cannot be written (Not a directory)"


def test_settings_that_cannot_be_read_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = (DEFAULTS / "selfplay.yaml").read_text()
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(tmp_path))
    path = tmp_path / "selfplay.yaml"
    path.write_text(content.replace("draw: seat", "draw: table"))
    assert f"{path}: draw: input should be 'seat' or 'game', not 'table'" in complaint("selfplay", "hex8_2p")


def test_progress_is_told_in_lines_where_nobody_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringrift.cli.progress.FIRST_LINE", 0.0)
    words = ["selfplay", "hex8_2p", "--players", "random", "--games", "3", "--out", str(tmp_path), "--json"]
    stderr = CliRunner().invoke(app, words).stderr.splitlines()
    told = [line for line in stderr if line.startswith("games: ")]  # others may tell of a busy machine
    assert told[0].startswith("games: 0 of 3, ")
    assert told[0].endswith("moves/s, 0% in the network")
    assert re.match(r"games: 3 of 3, [\d,.]+/s, about 0 s left, [\d,]+ moves/s, ", told[-1])


def test_help_shows_examples() -> None:
    assert "ringrift selfplay square8_2p --target" in ringrift("selfplay", "--help").stdout


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        (("--device", "cuda:99"), "device 'cuda:99': this machine has "),
        (("--processes", "1000"), "1000 processes: this machine has "),
    ],
)
def test_a_machine_that_has_too_little_is_one_line(wrong: tuple[str, ...], line: str, tmp_path: Path) -> None:
    said = complaint("selfplay", "hex8_2p", *QUICK, "--games", "1", "--out", tmp_path, *wrong)
    assert line in said
