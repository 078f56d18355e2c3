"""Jobs, self-play, ingest, housekeeping and the check before a training on a real disk that is soon full."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ringrift.cli import app
from ringrift.fleet import LocalShell, State
from ringrift.fleet.failures import NO_ROOM, or_full_disk
from ringrift.game_database import GamesDatabase
from ringrift.models import ModelStore
from ringrift.networks import ARCHITECTURES, Architecture
from tests.fleet.conftest import Jobs
from tests.models.making import registered
from tests.processes import alive
from tests.system.networks import small_disk

CONFIG = "hex8_2p"
KILOBYTES, ROUNDS, GAMES = 1000, 14, 400
SETTINGS = {
    "resources.yaml": "disk: {warn: 0.30, stop: 0.95, enough_gb: 0}\n",
    "housekeeping.yaml": "raw_games: {days: 100, days_when_full: 0}\n",
}


def run(*words: str) -> str:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, (words, done.output, done.exception)
    return done.stdout


def test_a_job_that_has_filled_its_disk_still_leaves_its_exit_code_and_nothing_else(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 200):
        if not (tmp_path / "disk").is_dir():
            pytest.skip("only root may mount a small disk")
        jobs = Jobs(tmp_path / "disk" / "jobs", LocalShell())
        left = tmp_path / "left"  # what the command leaves behind
        command = f'sleep 600 & echo $! >"{left}"; cat /dev/zero >"$RINGRIFT_JOB/games"'
        jobs.start("full", or_full_disk(command))
        status = jobs.ended("full")
        assert (status.state, status.code) == (State.DONE, NO_ROOM)
        assert os.statvfs(jobs.root).f_bavail == 0
        assert not alive(int(left.read_text()))


def test_a_disk_that_is_kept_clean_never_fills_and_no_game_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").mkdir()
    for name, text in SETTINGS.items():
        (tmp_path / "config" / name).write_text(text)
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("RINGRIFT_DATABASE", str(tmp_path / "games.db"))
    monkeypatch.setitem(ARCHITECTURES, "tiny", Architecture(channels=8, blocks=1, squeeze=False, head_channels=4))
    with GamesDatabase(str(tmp_path / "games.db"), create=True) as database:
        registered(ModelStore(database, tmp_path / "models"), training={"run": "first"})
    with small_disk(tmp_path / "data", KILOBYTES):
        if not (tmp_path / "data").is_dir():
            pytest.skip("only root may mount a small disk")
        monkeypatch.chdir(tmp_path)
        written = fullest = 0.0
        for number in range(ROUNDS):
            name = f"{number}"
            players = ("--players", "random", "--games", f"{GAMES}")
            run("selfplay", CONFIG, *players, "--run", name, "--worker", name)
            written += sum(path.stat().st_size for path in Path("data").rglob(f"{number}-*.jsonl.gz"))
            run("games", "ingest", "data/selfplay")
            disk = os.statvfs("data")
            fullest = max(fullest, 1 - disk.f_bavail / disk.f_blocks)
            run("clean", "--apply", "--if-full", "--json")
        held_out = json.loads(run("games", "holdout", "--json"))["configs"][CONFIG]
        assert written > 1000 * KILOBYTES, "all games together are more than the disk holds"
        assert fullest < 0.95
        assert sum(held_out.values()) == ROUNDS * GAMES


def test_a_training_that_the_disk_has_no_room_for_is_refused_only_after_cleaning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "training.yaml").write_text(
        "preflight:\n"
        "  games: {fail: 1, warn: 1}\n"
        "  samples: {fail: 1, warn: 1}\n"
        "  disk: {warn: 0.6, fail: 0.7, enough_gb: 0}\n"
    )
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("RINGRIFT_DATABASE", str(tmp_path / "games.db"))
    with small_disk(tmp_path / "data", 60_000):
        if not (tmp_path / "data").is_dir():
            pytest.skip("only root may mount a small disk")
        monkeypatch.chdir(tmp_path)
        run("selfplay", CONFIG, "--players", "gumbel:heuristic@2?noise=1", "--games", "4", "--run", "a")
        run("games", "ingest", "data/selfplay")
        run("dataset", "export", CONFIG)
        old = Path("data/runs") / CONFIG / "01234567"
        (old / "checkpoints").mkdir(parents=True)
        (old / "checkpoints" / "step-00000100.pt").write_bytes(bytes(38_000_000))
        (old / "report.json").write_text("{}")
        os.utime(old / "report.json", (time.time() - 86_400,) * 2)  # younger than a checkpoint that may go otherwise
        words = ["preflight", CONFIG, "--preset", "smoke", "--json"]
        refused = CliRunner().invoke(app, words)
        assert refused.exit_code == 1
        assert json.loads(refused.stdout)["why"].startswith("disk: ")
        assert (old / "checkpoints").is_dir()
        assert json.loads(run(*words, "--clean"))["ready"]
        assert not (old / "checkpoints").exists()
