"""Rounds of self-play, ingest and housekeeping on a real disk that could not hold the games of all of them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ringrift.cli import app
from ringrift.game_database import GamesDatabase
from ringrift.models import ModelStore
from ringrift.networks import ARCHITECTURES, Architecture
from tests.models.making import registered
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
